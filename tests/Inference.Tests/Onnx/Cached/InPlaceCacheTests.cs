using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>
/// A graph that updates the cache in place attends to the positions of a slot in one order, however they came there. So logits have the same bits in slots
/// of every length, with keys and values from the cache or of the same run, in a slot or in scratch memory.
/// </summary>
[TestClass]
public sealed class InPlaceCacheTests
{
    private const int Passes = 400, MaxLength = 64;
    private const long NoLimit = long.MaxValue;

    private static readonly ModelFolder s_folder = ModelFolder.Open(Files.InFormat(3));

    /// <summary>As when a longer sequence shares the cache.</summary>
    [TestMethod]
    [DataRow(16)]
    [DataRow(48)]
    [DataRow(64)]
    [DataRow(448)]
    public void Evaluate_LongerSlots_GivesTheSameBits(int more)
    {
        using CachedOnnxModel together = Open(NoLimit, new LongerSlots(more)), alone = Open(NoLimit);
        Assert.AreEqual(0, CacheComparison.InABatch(together, together, alone, Passes, MaxLength));
    }

    /// <summary>A sequence whose last position is cached, and which is padded to the content positions of another one.</summary>
    [TestMethod]
    public void Evaluate_PaddedSequence_GivesTheSameBits() => Assert.AreEqual(0, DifferenceOfAPaddedSequence(null));

    /// <summary>Control: without a spare position, padding rows overwrite the last position.</summary>
    [TestMethod]
    public void Evaluate_PaddedWithoutASparePosition_Differs() => Assert.IsGreaterThan(0.01f, DifferenceOfAPaddedSequence(new ExactSlots()));

    /// <summary>Sequences beyond the limit are encoded again in every pass.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(3)]
    public void Evaluate_LittleMemory_GivesTheSameBits(int slots)
    {
        using CachedOnnxModel together = Open(slots * 80 * s_folder.Manifest.CacheBytesPerToken), alone = Open(NoLimit);
        Assert.AreEqual(0, CacheComparison.InABatch(together, together, alone, Passes, MaxLength));
    }

    /// <summary>Control: graphs of earlier formats sum cached keys and those of the run apart, which is detected.</summary>
    [TestMethod]
    public void Evaluate_LittleMemoryInTwoParts_Differs()
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(1));
        using CachedOnnxModel together = CachedOnnxModel.Open(folder, maxCacheBytes: 0), alone = CachedOnnxModel.Open(folder);
        Assert.IsGreaterThan(0, CacheComparison.InABatch(together, together, alone, 50, MaxLength));
    }

    private static float DifferenceOfAPaddedSequence(CachedGraphFormat? format)
    {
        using CachedOnnxModel together = Open(NoLimit, format), alone = Open(NoLimit);
        SequenceState padded = NewState(), other = NewState();
        float[] logits = [];
        foreach ((int known, int knownOfOther) in ((int, int)[])[(10, 10), (11, 14), (12, 15)])
        {
            SetKnown(padded, known);
            SetKnown(other, knownOfOther);
            together.Evaluate([padded, other], CancellationToken.None);
            logits = padded.Logits.ToArray();
            alone.Evaluate([padded], CancellationToken.None);
        }

        return CacheComparison.MaxDifference(padded.Logits.ToArray(), logits);
    }

    private static void SetKnown(SequenceState state, int known)
    {
        state.BeginForwardPass(known);
        state.AddQuery(new Conditional(19, known));
    }

    /// <summary>20 tokens, of which the last 10 are given.</summary>
    private static SequenceState NewState() =>
        new(Order.LeftToRight([.. new bool[10], .. Enumerable.Repeat(true, 10)]), [.. Enumerable.Range(10, 20)], 64, 1);

    private static CachedOnnxModel Open(long maxCacheBytes, CachedGraphFormat? format = null) => CachedOnnxModel.Open(
        s_folder, new ExecutionSettings(Device.Cpu), maxCacheBytes, HostKeyValueCache.Create(s_folder.Manifest), format);

    private sealed class LongerSlots(int more) : CachedGraphFormat(GraphContract.Cached(s_folder.Manifest))
    {
        public override int SlotLength(int longest) => base.SlotLength(longest) + more;
    }

    private sealed class ExactSlots() : CachedGraphFormat(GraphContract.Cached(s_folder.Manifest))
    {
        public override int SlotLength(int longest) => longest;
    }
}
