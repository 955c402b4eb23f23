using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>The inputs of a run (docs/model-format.md): positions, ranks and horizons, with masked padding.</summary>
[TestClass]
public sealed class CachedBuffersTests
{
    private const int Unreachable = int.MaxValue;

    private static readonly ModelManifest s_manifest = ModelFolder.Open(Files.InFormat(3)).Manifest;
    private static readonly ModelManifest s_twoParts = ModelFolder.Open(Files.InFormat(1)).Manifest;

    /// <summary>Two sequences in slots 1 and 3 of a run over slots 1 to 3: new positions, padding, and an idle slot between them.</summary>
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Write_CachedSequences_WritesPositionsPaddingAndIdleSlots(bool inPlace)
    {
        SequenceState first = NewState(), second = NewState();
        second.SetToken(3, 41);
        second.BeginForwardPass(4);
        second.AddQuery(new Conditional(4, 4));
        second.AddQuery(new Conditional(4, 2));
        var shape = new CachedShape(FirstSlot: 1, Batch: 3, Past: 7, Content: 3, Targets: 2);
        var format = new RecordedRanks(inPlace);
        CachedBuffers buffers = new CachedBuffers(s_manifest, format).WithCapacityFor(shape);
        foreach (long[] buffer in (long[][])[.. buffers.Content, .. buffers.Targets, buffers.PastRanks])
            Array.Fill(buffer, -1);
        buffers.Write(
            [new PlannedSequence(first, new CacheSlot(first, 1), 2), new PlannedSequence(second, new CacheSlot(second, 3), 2)], new CachedRun(0, 2, shape));

        int mask = s_manifest.MaskId;
        SpanAssert.AreEqual<long>([33, 12, 12, mask, mask, mask, 33, 41, 12], buffers.Content[0], "Tokens.");
        SpanAssert.AreEqual<long>([3, 6, 6, 6, 6, 6, 3, 1, 6], buffers.Content[1], "Positions; padding is at the spare one.");
        SpanAssert.AreEqual<long>([3, 2, 2, 1, 1, 1, 3, 4, 2], buffers.Content[2], "Horizons.");
        SpanAssert.AreEqual<int>([2, Unreachable, Unreachable, Unreachable, Unreachable, Unreachable, 2, 3, Unreachable], format.Ranks, "Ranks.");
        SpanAssert.AreEqual<long>([1, 1, 0, 0, 4, 4], buffers.Targets[0], "Positions of queries, the first again as padding.");
        SpanAssert.AreEqual<long>([3, 3, 1, 1, 4, 2], buffers.Targets[1], "Horizons of queries.");
        long[] idle = [Unreachable, Unreachable, Unreachable, Unreachable, Unreachable, Unreachable, 0];
        if (inPlace) // the ranks of the content rows are there
            SpanAssert.AreEqual<long>([1, Unreachable, 0, 2, Unreachable, Unreachable, Unreachable, .. idle, 1, 3, 0, 2, Unreachable, Unreachable, Unreachable], buffers.PastRanks);
        else
            SpanAssert.AreEqual<long>([1, Unreachable, 0, Unreachable, Unreachable, Unreachable, Unreachable, .. idle, 1, Unreachable, 0, Unreachable, Unreachable, Unreachable, Unreachable], buffers.PastRanks);
    }

    /// <summary>Given tokens see each other.</summary>
    [TestMethod]
    public void Write_FreshSequence_WritesGivenTokens()
    {
        SequenceState state = NewState();
        var shape = new CachedShape(0, 1, 6, 3, 1, IsScratch: true);
        CachedBuffers buffers = InPlace().WithCapacityFor(shape);
        buffers.Write([new PlannedSequence(state, null, 0)], new CachedRun(0, 1, shape));
        SpanAssert.AreEqual<long>([12, 10, 33], buffers.Content[0]);
        SpanAssert.AreEqual<long>([2, 0, 3], buffers.Content[1]);
        SpanAssert.AreEqual<long>([2, 2, 3], buffers.Content[2]);
        SpanAssert.AreEqual<long>([1, Unreachable, 0, 2, Unreachable, Unreachable], buffers.PastRanks);
    }

    /// <summary>Sequences that the planner put into a second run.</summary>
    [TestMethod]
    public void Write_SequencesOfALaterRun_AreInItsOrder()
    {
        SequenceState first = NewState(), second = NewState();
        second.SetToken(2, 44);
        var shape = new CachedShape(0, 2, 6, 3, 1, IsScratch: true);
        CachedBuffers buffers = InPlace().WithCapacityFor(shape);
        buffers.Write([new PlannedSequence(first, null, 0), new PlannedSequence(second, null, 0)], new CachedRun(5, 7, shape));
        SpanAssert.AreEqual<long>([12, 10, 33, 12, 10, 44], buffers.Content[0]);
    }

    /// <summary>2^32 numbers, which would be 0 in 32 bits.</summary>
    [TestMethod]
    [DataRow(1 << 16, 0, 0)]
    [DataRow(0, 1 << 16, 0)]
    [DataRow(0, 0, 1 << 16)]
    public void WithCapacityFor_MoreThanAnArrayCanHave_Throws(int past, int content, int targets) => Assert.ThrowsExactly<OverflowException>(
        () => InPlace().WithCapacityFor(new CachedShape(0, 1 << 16, past, content, targets)));

    [TestMethod]
    public void WithCapacityFor_MoreLogitsThanAnArrayCanHave_Throws()
    {
        var buffers = new CachedBuffers(s_manifest with { VocabularySize = 1 << 20 }, CachedGraphFormat.Of(s_manifest));
        Assert.ThrowsExactly<OverflowException>(() => buffers.WithCapacityFor(new CachedShape(0, 1, 1, 1, 1 << 12)));
    }

    /// <summary>Graphs of earlier formats return keys and values.</summary>
    [TestMethod]
    public void WithCapacityFor_MoreNewKeysThanAnArrayCanHave_Throws()
    {
        ModelManifest manifest = s_twoParts with { ModelDimension = 1 << 20 };
        Assert.ThrowsExactly<OverflowException>(() => new CachedBuffers(manifest, new TwoPartFormat(manifest)).WithCapacityFor(new CachedShape(0, 1, 1, 1 << 12, 1)));
    }

    [TestMethod]
    public void CanFit_Shapes_IsWhetherEachBufferIsLargeEnough()
    {
        var shape = new CachedShape(0, Batch: 4, Past: 6, Content: 3, Targets: 5);
        CachedBuffers buffers = InPlace().WithCapacityFor(shape);
        Assert.AreEqual(20 * MemoryBounds.TargetBytes(s_manifest), buffers.Bytes);
        Assert.IsTrue(buffers.CanFit(shape));
        Assert.IsTrue(buffers.CanFit(shape with { Batch = 2, Past = 12, Content = 6, Targets = 10 }));
        Assert.IsFalse(buffers.CanFit(shape with { Past = 7 }));
        Assert.IsFalse(buffers.CanFit(shape with { Content = 4 }));
        Assert.IsFalse(buffers.CanFit(shape with { Targets = 6 }));
        Assert.IsFalse(InPlace().CanFit(new CachedShape(0, 1, 1, 1, 1)));
    }

    /// <summary>Graphs of earlier formats return keys and values.</summary>
    [TestMethod]
    public void Bytes_OfTwoParts_CountNewKeysAndValues()
    {
        CachedBuffers buffers = new CachedBuffers(s_twoParts, new TwoPartFormat(s_twoParts)).WithCapacityFor(new CachedShape(0, Batch: 4, Past: 6, Content: 3, Targets: 5));
        Assert.AreEqual(12 * 2 * 3 * 32 * sizeof(float) + 20 * MemoryBounds.TargetBytes(s_twoParts), buffers.Bytes);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void WithCapacityFor_AnotherShape_StillFitsTheFirst(bool swapped)
    {
        CachedShape shape = new(0, Batch: 4, Past: 6, Content: 3, Targets: 5), other = new(0, 1, 20, 20, 1);
        CachedBuffers buffers = InPlace().WithCapacityFor(swapped ? other : shape).WithCapacityFor(swapped ? shape : other);
        Assert.IsTrue(buffers.CanFit(shape) && buffers.CanFit(other));
        Assert.AreEqual((20, 20, 24), (buffers.Content[0].Length, buffers.Targets[0].Length, buffers.PastRanks.Length));
        Assert.AreEqual(20 * s_manifest.VocabularySize, buffers.Logits.Length);
    }

    private static CachedBuffers InPlace() => new(s_manifest, CachedGraphFormat.Of(s_manifest));

    /// <summary>Positions by rank: 2 and 0 are given, then 3, which is known, then 1 and 4.</summary>
    private static SequenceState NewState()
    {
        var state = new SequenceState(Order.FromPositions([2, 0, 3, 1, 4], 2), [10, 0, 12, 0, 0], s_manifest.VocabularySize, 2);
        state.SetToken(2, 33);
        state.BeginForwardPass(3);
        state.AddQuery(new Conditional(3, 3));
        return state;
    }

    /// <summary>The ranks of content positions as a format with such an input gets them.</summary>
    private sealed class RecordedRanks(bool inPlace) : CachedGraphFormat(GraphContract.Cached(s_manifest))
    {
        public int[] Ranks { get; private set; } = [];

        public override void Allocate(int content) => Ranks = new int[content];

        public override void WriteRank(int index, int rank) => Ranks[index] = rank;

        public override int PastCount(PlannedSequence sequence) => inPlace ? base.PastCount(sequence) : new TwoPartFormat(s_twoParts).PastCount(sequence);
    }
}
