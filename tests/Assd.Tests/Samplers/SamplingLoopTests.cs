using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

[TestClass]
public sealed class SamplingLoopTests
{
    private const int VocabularySize = 5;
    private const int Length = 12;

    public static IEnumerable<SamplerKind> Kinds => Enum.GetValues<SamplerKind>();

    /// <summary>
    /// Content positions are those that a model with a cache processes: all from the first token that differs from the last pass.
    /// </summary>
    [TestMethod]
    [DataRow(SamplerKind.Sequential)]
    [DataRow(SamplerKind.Assd)]
    [DataRow(SamplerKind.Ngram)]
    [DataRow(SamplerKind.Fused)]
    [DataRow(SamplerKind.FusedTokenWise)]
    [DataRow(SamplerKind.FusedHead)]
    public void Run_ContentTokens_AreThoseThatACacheLacks(SamplerKind kind)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            bool[] given = [.. Enumerable.Range(0, 30).Select(position => position % 5 == 0 && seed > 0)];
            var model = new RandomModel(8, 30, 1, seed);
            Sampler sampler = Decoding.Create(kind, Order.LeftToRight(given), new int[30], new(), 8);
            using var loop = new SamplingLoop(model, [sampler], [new SplitMix64(seed)]);
            int[] cached = [.. sampler.State.Order.Positions[..sampler.Committed].ToArray().Select(position => sampler.Tokens[position])];
            int processed = 0, first = sampler.Committed;
            while (!sampler.IsDone)
            {
                sampler.Prepare(new SplitMix64(seed)); // prepared again within Step, without another random number
                int[] known = [.. sampler.State.Order.Positions[..sampler.State.KnownCount].ToArray().Select(position => sampler.Tokens[position])];
                int same = Enumerable.Range(0, known.Length).TakeWhile(rank => rank < cached.Length && cached[rank] == known[rank]).Count();
                int added = known.Length - Math.Max(same, first);
                bool isFirstPass = sampler.Statistics.Nfe == 0;
                processed += added;
                cached = known;
                loop.Step(default);
                Assert.AreEqual(isFirstPass ? known.Length : added, sampler.LastContentTokens);
            }

            Assert.AreEqual(processed, sampler.Statistics.ContentTokens);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Run_SameSeed_GivesTheSameResult(SamplerKind kind)
    {
        var model = new RandomModel(VocabularySize, Length, 4, 1);
        Sampler first = Decoding.Run(NewSampler(kind), model, new SplitMix64(7));
        Sampler second = Decoding.Run(NewSampler(kind), model, new SplitMix64(7));
        SpanAssert.AreEqual(first.Tokens, second.Tokens);
        Assert.AreEqual(first.Statistics, second.Statistics);
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Run_OtherSeeds_GivesOtherResults(SamplerKind kind)
    {
        var model = new RandomModel(VocabularySize, Length, 1, 1);
        var results = new HashSet<string>();
        for (int seed = 0; seed < 20; seed++)
            results.Add(string.Join(' ', Decoding.Run(NewSampler(kind), model, new SplitMix64(seed)).Tokens.ToArray()));
        Assert.HasCount(20, results);
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void ProcessLogits_WithoutPrepare_Throws(SamplerKind kind)
    {
        Sampler sampler = NewSampler(kind);
        Assert.ThrowsExactly<InvalidOperationException>(() => sampler.ProcessLogits(new SplitMix64(1)));
        sampler.Prepare(new SplitMix64(1));
        new RandomModel(VocabularySize, Length, 4, 1).Evaluate([sampler.State], default);
        sampler.ProcessLogits(new SplitMix64(1));
        Assert.ThrowsExactly<InvalidOperationException>(() => sampler.ProcessLogits(new SplitMix64(1)));
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Constructor_ModelOfAnotherVocabulary_Throws(SamplerKind kind) => Assert.ThrowsExactly<ArgumentException>(
        () => new SamplingLoop(new RandomModel(VocabularySize + 1, Length, 4, 1), [NewSampler(kind)], [new SplitMix64(1)]));

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Run_Cancelled_ThrowsAndCanGoOn(SamplerKind kind)
    {
        var model = new RandomModel(VocabularySize, Length, 4, 1);
        Sampler sampler = NewSampler(kind);
        var loop = new SamplingLoop(model, [sampler], [new SplitMix64(3)]);
        Assert.IsTrue(loop.Step(default));
        Assert.ThrowsExactly<OperationCanceledException>(() => loop.Run(new CancellationToken(canceled: true)));
        Assert.AreEqual(1, model.ForwardPassCount);
        loop.Run(default);
        Assert.AreEqual(Decoding.Run(NewSampler(kind), model, new SplitMix64(3)).Statistics, sampler.Statistics);
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Run_CancelledWithinAForwardPass_Throws(SamplerKind kind)
    {
        using var source = new CancellationTokenSource();
        var model = new ScriptedModel(VocabularySize, Length, _ =>
        {
            source.Cancel();
            return [1, 1, 1, 1, 1];
        });
        var loop = new SamplingLoop(model, [NewSampler(kind)], [new SplitMix64(3)]);
        Assert.ThrowsExactly<OperationCanceledException>(() => loop.Run(source.Token));
        Assert.AreEqual(1, model.ForwardPassCount);
    }

    [TestMethod]
    [DataRow(SamplerKind.Sequential, 0)]
    [DataRow(SamplerKind.Sequential, 3)]
    [DataRow(SamplerKind.Assd, 0)]
    [DataRow(SamplerKind.Assd, 1)]
    [DataRow(SamplerKind.Assd, 2)]
    public void Run_LogitsNotFinite_Throws(SamplerKind kind, int brokenPass)
    {
        foreach (float logit in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            var model = new BrokenModel(VocabularySize, Length, brokenPass, logit);
            var loop = new SamplingLoop(model, [NewSampler(kind)], [new SplitMix64(3)]);
            Assert.ThrowsExactly<ModelOutputException>(() => loop.Run(default));
            Assert.AreEqual(brokenPass + 1, model.ForwardPassCount);
        }
    }

    /// <summary>The sequence is removed and released; the results of the others are those that they have alone.</summary>
    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Step_LogitsOfOneSequenceNotFinite_RemovesThatOneOnly(SamplerKind kind)
    {
        foreach (bool hasHandler in (bool[])[true, false])
        {
            var failures = new List<Sampler>();
            Sampler[] samplers = [.. Enumerable.Range(0, 4).Select(_ => NewSampler(kind))];
            var model = new ReleasingModel(new PoisonedModel(new RandomModel(VocabularySize, Length, 4, 1), state => state == samplers[1].State, fromPass: 2));
            using var loop = new SamplingLoop(model) { OnFailure = hasHandler ? (sampler, _) => failures.Add(sampler) : null };
            for (int i = 0; i < samplers.Length; i++)
                loop.Add(samplers[i], new SplitMix64(10 + i));
            loop.Step(default);
            if (hasHandler)
                loop.Step(default);
            else
                Assert.ThrowsExactly<ModelOutputException>(() => loop.Step(default));
            Assert.AreEqual(3, loop.Count);
            Assert.HasCount(3, model.Alive);
            loop.Run(default);
            CollectionAssert.AreEqual(hasHandler ? new[] { samplers[1] } : [], failures);
            Assert.IsFalse(samplers[1].IsDone);
            Assert.IsEmpty(model.Alive);
            foreach (int i in (int[])[0, 2, 3])
            {
                Sampler alone = Decoding.Run(NewSampler(kind), new RandomModel(VocabularySize, Length, 4, 1), new SplitMix64(10 + i));
                SpanAssert.AreEqual(alone.Tokens, samplers[i].Tokens);
                Assert.AreEqual(alone.Statistics, samplers[i].Statistics);
            }
        }
    }

    [TestMethod]
    public void LogProbabilities_LogitsNotFinite_Throws()
    {
        var order = Order.LeftToRight(new bool[Length]);
        foreach (float logit in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            var model = new BrokenModel(VocabularySize, Length, 0, logit);
            Assert.ThrowsExactly<ModelOutputException>(() => JointDensity.LogProbabilities(model, order, new int[Length], new()));
        }
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Constructor_SequenceLongerThanTheModel_Throws(SamplerKind kind)
    {
        var model = new RandomModel(VocabularySize, Length - 1, 4, 1);
        Assert.ThrowsExactly<ArgumentException>(() => new SamplingLoop(model, [NewSampler(kind)], [new SplitMix64(1)]));
    }

    [TestMethod]
    public void Constructor_FewerRandomSourcesThanSamplers_Throws()
    {
        var model = new RandomModel(VocabularySize, Length, 4, 1);
        Assert.ThrowsExactly<ArgumentException>(() => new SamplingLoop(model, [NewSampler(SamplerKind.Assd)], []));
    }

    [TestMethod]
    public void Step_NothingToDo_IsFalseWithoutAForwardPass()
    {
        var model = new RandomModel(VocabularySize, Length, 4, 1);
        Assert.IsFalse(new SamplingLoop(model, [], []).Step(default));
        var given = new SequentialSampler(Order.LeftToRight([true]), [1], new(), VocabularySize);
        Assert.IsTrue(given.IsDone);
        Assert.IsFalse(new SamplingLoop(model, [given], [new SplitMix64(1)]).Step(default));
        Assert.AreEqual(0, model.ForwardPassCount);
        Assert.AreEqual(default, given.Statistics);
    }

    [TestMethod]
    public void Run_UnequalSequences_EvaluatesOnlyTheUnfinished()
    {
        var model = new RandomModel(VocabularySize, Length, 4, 1);
        Sampler shorter = new SequentialSampler(Order.LeftToRight(new bool[2]), new int[2], new(), VocabularySize);
        Sampler longer = new SequentialSampler(Order.LeftToRight(new bool[5]), new int[5], new(), VocabularySize);
        new SamplingLoop(model, [shorter, longer], [new SplitMix64(1), new SplitMix64(2)]).Run(default);
        Assert.AreEqual((5, 2, 5), (model.ForwardPassCount, shorter.Statistics.Nfe, longer.Statistics.Nfe));
    }

    /// <summary>Continuous batching: sequences enter and leave between steps, and each has the result that it has alone.</summary>
    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Add_BetweenSteps_ChangesNoResult(SamplerKind kind)
    {
        var model = new ReleasingModel(new RandomModel(VocabularySize, Length, 4, 1));
        using var loop = new SamplingLoop(model);
        Sampler[] samplers = [.. Enumerable.Range(0, 9).Select(_ => NewSampler(kind))];
        int entered = 0;
        while (entered < samplers.Length || loop.Count > 0)
        {
            while (entered < samplers.Length && loop.Count < 3)
                loop.Add(samplers[entered], new SplitMix64(entered++));
            Assert.IsTrue(loop.Step(default));
        }

        Assert.IsEmpty(model.Alive, "Finished sequences are released.");
        Assert.AreEqual(3, model.Batches.Max());
        Assert.AreEqual(samplers.Sum(sampler => sampler.Statistics.Nfe), model.Batches.Sum());
        for (int i = 0; i < samplers.Length; i++)
        {
            Sampler alone = Decoding.Run(NewSampler(kind), new RandomModel(VocabularySize, Length, 4, 1), new SplitMix64(i));
            SpanAssert.AreEqual(alone.Tokens, samplers[i].Tokens);
            Assert.AreEqual(alone.Statistics, samplers[i].Statistics);
        }
    }

    [TestMethod]
    public void Dispose_WithUnfinishedSequences_ReleasesThem()
    {
        var model = new ReleasingModel(new RandomModel(VocabularySize, Length, 4, 1));
        var loop = new SamplingLoop(model, [NewSampler(SamplerKind.Assd), NewSampler(SamplerKind.Sequential)], [new SplitMix64(1), new SplitMix64(2)]);
        loop.Step(default);
        Assert.HasCount(2, model.Alive);
        loop.Dispose();
        Assert.IsEmpty(model.Alive);
        Assert.IsFalse(loop.Step(default));
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Prepare_EverythingCommitted_Throws(SamplerKind kind)
    {
        var model = new RandomModel(VocabularySize, Length, 4, 1);
        Sampler sampler = Decoding.Run(NewSampler(kind), model, new SplitMix64(1));
        Assert.ThrowsExactly<InvalidOperationException>(() => sampler.Prepare(new SplitMix64(1)));
    }

    [TestMethod]
    public void Remove_OfAnUnfinishedSequence_ReleasesItAndChangesNoOther()
    {
        var model = new ReleasingModel(new RandomModel(VocabularySize, Length, 4, 1));
        Sampler[] samplers = [.. Enumerable.Range(0, 3).Select(_ => NewSampler(SamplerKind.Sequential))];
        using var loop = new SamplingLoop(model, samplers, [.. samplers.Select((_, i) => new SplitMix64(i))]);
        loop.Step(default);
        Assert.IsTrue(loop.Remove(samplers[0]));
        Assert.IsFalse(loop.Remove(samplers[0]), "It is gone.");
        Assert.AreEqual((2, 2), (loop.Count, model.Alive.Count));
        loop.Run(default);
        Assert.IsFalse(samplers[0].IsDone);
        Assert.IsFalse(loop.Remove(samplers[1]), "It is done.");
        for (int i = 1; i < samplers.Length; i++)
            SpanAssert.AreEqual(Decoding.Run(NewSampler(SamplerKind.Sequential), new RandomModel(VocabularySize, Length, 4, 1), new SplitMix64(i)).Tokens, samplers[i].Tokens);
    }

    private static Sampler NewSampler(SamplerKind kind) =>
        Decoding.Create(kind, Order.LeftToRight(new bool[Length]), new int[Length], new() { DraftLength = 3 }, VocabularySize);
}
