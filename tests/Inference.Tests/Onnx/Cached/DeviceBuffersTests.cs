using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.DeviceMemory;
using AsArm.Inference.Tests.Onnx.DeviceMemory;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>The buffers of a run with a copy in the memory of a device.</summary>
[TestClass]
public sealed class DeviceBuffersTests
{
    private static readonly ModelManifest s_manifest = WithHead(ModelFolder.Open(Files.InFormat(3)).Manifest);

    /// <summary>So that buffers rarely move: captured graphs depend on where they are.</summary>
    [TestMethod]
    public void WithCapacityFor_ASmallShape_HasRoomForMany()
    {
        using var memory = new SeparateMemory();
        using CachedBuffers buffers = New(memory, new CachedShape(0, 1, 80, 1, 1));
        Assert.AreEqual((2048, 128, 16384), (buffers.Content[0].Length, buffers.Targets[0].Length, buffers.PastRanks.Length));
        Assert.AreEqual(128 * s_manifest.VocabularySize, buffers.Logits.Length);
    }

    /// <summary>Inputs begin at multiples of 32 numbers; lengths of one more than that need the most room. They are there before the run.</summary>
    [TestMethod]
    public void Write_LargestShape_CopiesAllInputs()
    {
        using var memory = new SeparateMemory();
        var shape = new CachedShape(0, Batch: 1, Past: 16385, Content: 2049, Targets: 129, IsScratch: true);
        using CachedBuffers buffers = New(memory, shape);
        var state = new SequenceState(Order.LeftToRight([true, false, false]), [9, 10, 11], s_manifest.VocabularySize, 1);
        state.BeginForwardPass(2);
        state.AddQuery(new Conditional(2, 2));
        buffers.Write([new PlannedSequence(state, null, 0)], new CachedRun(0, 1, shape));
        Assert.AreEqual(((3 * 2080) + (2 * 160) + 16416) * sizeof(long), memory.Copied[CopyDirection.ToDevice]);
        Assert.IsFalse(memory.HasPendingCopies);
    }

    /// <summary>Memory for nothing, for the logits, for the states of a draft head too; then for all.</summary>
    [TestMethod]
    public void WithCapacityFor_NotEnoughMemory_FreesWhatThereIs()
    {
        using var memory = new SeparateMemory();
        long logits = 128L * s_manifest.VocabularySize * sizeof(float), states = 128L * s_manifest.ModelDimension * sizeof(float);
        using var none = new CachedBuffers(s_manifest, CachedGraphFormat.Of(s_manifest), memory);
        const long Used = 6 * 256; // the inputs of no positions, which begin at multiples of 256 bytes
        Assert.AreEqual((1, 1), (memory.Blocks, memory.HostBlocks.Count));
        foreach (long free in (long[])[0, logits, logits + states])
        {
            memory.Limit = Used + free;
            Assert.ThrowsExactly<InsufficientMemoryException>(() => none.WithCapacityFor(new CachedShape(0, 1, 1, 1, 1)));
            Assert.AreEqual((1, 1), (memory.Blocks, memory.HostBlocks.Count));
        }

        memory.Limit = long.MaxValue;
        using CachedBuffers buffers = none.WithCapacityFor(new CachedShape(0, 1, 1, 1, 1));
        Assert.AreEqual(4, memory.Blocks);
    }

    private static CachedBuffers New(SeparateMemory memory, CachedShape shape)
    {
        using var none = new CachedBuffers(s_manifest, CachedGraphFormat.Of(s_manifest), memory);
        return none.WithCapacityFor(shape);
    }

    private static ModelManifest WithHead(ModelManifest manifest) =>
        manifest with { Files = new Dictionary<string, ModelManifest.FileEntry>(manifest.Files) { [ModelFolder.DraftHeadFile] = new(new string('0', 64), 1) } };
}
