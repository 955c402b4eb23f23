namespace AsArm.Assd.Tests;

/// <summary>Theorem 1 and all that holds for every single run, over more than 10,000 random tasks.</summary>
[TestClass]
public sealed class RandomRunsTests
{
    private const int Batches = 2_400;
    private const int LargestBatch = 8;

    /// <summary>From nearly uniform, where almost every draft is kept, to nearly deterministic, where almost none is.</summary>
    private static readonly double[] _sharpness = [0.01, 0.5, 2, 5, 10, 30, 100, 1000];

    [TestMethod]
    public void Run_ManyRandomBatches_KeepsEveryInvariant()
    {
        var coins = new SeededCoins(1);
        int runs = 0;
        for (int i = 0; i < Batches; i++)
        {
            RandomModel model = NewModel(coins);
            RandomTask[] tasks = NewTasks(coins);
            Sampler[] samplers = [.. tasks.Select(task => task.NewSampler())];
            new SamplingLoop(model, samplers, [.. tasks.Select(task => new SeededCoins(task.Seed))]).Run(default);
            for (int j = 0; j < tasks.Length; j++, runs++)
                tasks[j].Check(samplers[j], model);
        }

        Assert.IsGreaterThanOrEqualTo(10_000, runs);
    }

    [TestMethod]
    public void Run_InABatch_GivesWhatTheSequenceGivesAlone()
    {
        var coins = new SeededCoins(2);
        for (int i = 0; i < 300; i++)
        {
            RandomModel model = NewModel(coins);
            RandomTask[] tasks = NewTasks(coins);
            Sampler[] samplers = [.. tasks.Select(task => task.NewSampler())];
            new SamplingLoop(model, samplers, [.. tasks.Select(task => new SeededCoins(task.Seed))]).Run(default);
            for (int j = 0; j < tasks.Length; j++)
                AssertSame(Decoding.Run(tasks[j].NewSampler(), model, new SeededCoins(tasks[j].Seed)), samplers[j]);
        }
    }

    [TestMethod]
    public void Run_WithAccidents_IsTheSameAsWithout()
    {
        var coins = new SeededCoins(3);
        int accidents = 0;
        for (int i = 0; i < 500; i++)
        {
            RandomModel model = NewModel(coins);
            RandomTask[] tasks = NewTasks(coins);
            Sampler[] samplers = [.. tasks.Select(task => task.NewSampler())];
            var accidental = new AccidentalModel(model, coins);
            accidents += RunThroughAccidents(new(accidental, samplers, [.. tasks.Select(task => new SeededCoins(task.Seed))]));
            for (int j = 0; j < tasks.Length; j++)
                AssertSame(Decoding.Run(tasks[j].NewSampler(), model, new SeededCoins(tasks[j].Seed)), samplers[j]);
        }

        Assert.IsGreaterThan(100, accidents);
    }

    private static int RunThroughAccidents(SamplingLoop loop)
    {
        for (int accidents = 0; ; accidents++)
        {
            try
            {
                loop.Run(default);
                return accidents;
            }
            catch (OperationCanceledException)
            {
                // The calls can be repeated.
            }
        }
    }

    private static RandomModel NewModel(ICoinSource coins) =>
        new(RandomTask.VocabularySize, RandomTask.MaximumLength, _sharpness[coins.Next(_sharpness.Length)], coins.Next(int.MaxValue));

    private static RandomTask[] NewTasks(ICoinSource coins)
    {
        var tasks = new RandomTask[coins.Next(1, LargestBatch)];
        for (int i = 0; i < tasks.Length; i++)
            tasks[i] = new(coins);
        return tasks;
    }

    private static void AssertSame(Sampler expected, Sampler actual)
    {
        SpanAssert.AreEqual(expected.Tokens, actual.Tokens);
        Assert.AreEqual(expected.Statistics, actual.Statistics);
    }
}
