using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests;

[TestClass]
public sealed class AllocationTests
{
    private const int VocabularySize = 600;
    private const int Length = 200;

    public static IEnumerable<(SamplerKind Kind, SamplingOptions Options)> Cases =>
        from kind in Enum.GetValues<SamplerKind>()
        from options in (SamplingOptions[])
        [
            new(),
            new() { Temperature = 0.7, BannedTokens = [3, 5] },
            new() { TopK = 40 },
            new() { TopP = 0.9 },
        ]
        select (kind, options);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Step_SteadyState_AllocatesNothing(SamplerKind kind, SamplingOptions options)
    {
        var model = new RandomModel(VocabularySize, Length, 12, 1);
        NewLoop(model, kind, options).Run(default);
        SamplingLoop loop = NewLoop(model, kind, options);
        for (int i = 0; i < 5; i++)
            loop.Step(default);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int steps = 0;
        while (loop.Step(default))
            steps++;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.AreEqual(0, allocated, $"In {steps} steps.");
        Assert.IsGreaterThan(50, steps);
    }

    [TestMethod]
    public void LogProbability_SteadyState_AllocatesNothing()
    {
        var processor = new LogitsProcessor(new() { TopK = 100, TopP = 0.9, Temperature = 2 }, VocabularySize);
        float[] row = new SplitMix64(1).NextRow(VocabularySize);
        processor.LogProbability(row, 1);
        var other = new SplitMix64(2).NextRow(VocabularySize);
        long before = GC.GetAllocatedBytesForCurrentThread();
        processor.LogProbability(other, 1);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static SamplingLoop NewLoop(RandomModel model, SamplerKind kind, SamplingOptions options)
    {
        var order = Order.Random(new bool[Length], new SplitMix64(1));
        Sampler[] samplers =
        [
            Decoding.Create(kind, order, new int[Length], options, VocabularySize),
            Decoding.Create(kind, order, new int[Length], options, VocabularySize),
        ];
        return new(model, samplers, [new SplitMix64(1), new SplitMix64(2)]);
    }
}
