using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>Theorem 1 and other invariants of single runs, over more than 10,000 random tasks.</summary>
[TestClass]
public sealed class RandomRunsTests
{
    private const int Batches = 2_400;
    private const int MaxBatch = 8;

    /// <summary>From nearly uniform, where almost every draft token is accepted, to nearly deterministic, where almost none is.</summary>
    private static readonly double[] _sharpness = [0.01, 0.5, 2, 5, 10, 30, 100, 1000];

    [TestMethod]
    public void Run_ManyRandomBatches_SatisfiesEveryInvariant()
    {
        var random = new SplitMix64(1);
        int runs = 0;
        for (int i = 0; i < Batches; i++)
        {
            RandomModel model = NewModel(random);
            RandomTask[] tasks = NewTasks(random);
            Sampler[] samplers = [.. tasks.Select(task => task.NewSampler())];
            new SamplingLoop(model, samplers, [.. tasks.Select(task => new SplitMix64(task.Seed))]).Run(default);
            for (int j = 0; j < tasks.Length; j++, runs++)
                tasks[j].Check(samplers[j], model);
        }

        Assert.IsGreaterThanOrEqualTo(10_000, runs);
    }

    [TestMethod]
    public void Run_InABatch_GivesTheResultOfTheSequenceAlone()
    {
        var random = new SplitMix64(2);
        for (int i = 0; i < 300; i++)
        {
            RandomModel model = NewModel(random);
            RandomTask[] tasks = NewTasks(random);
            Sampler[] samplers = [.. tasks.Select(task => task.NewSampler())];
            new SamplingLoop(model, samplers, [.. tasks.Select(task => new SplitMix64(task.Seed))]).Run(default);
            for (int j = 0; j < tasks.Length; j++)
                AssertSame(Decoding.Run(tasks[j].NewSampler(), model, new SplitMix64(tasks[j].Seed)), samplers[j]);
        }
    }

    [TestMethod]
    public void Run_WithCancelledForwardPasses_IsTheSameAsWithout()
    {
        var random = new SplitMix64(3);
        int cancellations = 0;
        for (int i = 0; i < 500; i++)
        {
            RandomModel model = NewModel(random);
            RandomTask[] tasks = NewTasks(random);
            Sampler[] samplers = [.. tasks.Select(task => task.NewSampler())];
            var cancelling = new CancellingModel(model, random);
            cancellations += RunThroughCancellations(new(cancelling, samplers, [.. tasks.Select(task => new SplitMix64(task.Seed))]));
            for (int j = 0; j < tasks.Length; j++)
                AssertSame(Decoding.Run(tasks[j].NewSampler(), model, new SplitMix64(tasks[j].Seed)), samplers[j]);
        }

        Assert.IsGreaterThan(100, cancellations);
    }

    private static int RunThroughCancellations(SamplingLoop loop)
    {
        for (int cancellations = 0; ; cancellations++)
        {
            try
            {
                loop.Run(default);
                return cancellations;
            }
            catch (OperationCanceledException)
            {
                // The forward pass can be repeated.
            }
        }
    }

    private static RandomModel NewModel(IRandomSource random) =>
        new(RandomTask.VocabularySize, RandomTask.MaxLength, _sharpness[random.Next(_sharpness.Length)], random.Next(int.MaxValue));

    private static RandomTask[] NewTasks(IRandomSource random)
    {
        var tasks = new RandomTask[random.Next(1, MaxBatch)];
        for (int i = 0; i < tasks.Length; i++)
            tasks[i] = new(random);
        return tasks;
    }

    private static void AssertSame(Sampler expected, Sampler actual)
    {
        SpanAssert.AreEqual(expected.Tokens, actual.Tokens);
        Assert.AreEqual(expected.Statistics, actual.Statistics);
    }
}
