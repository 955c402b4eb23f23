using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Onnx.DeviceMemory;
using AsArm.Inference.Tests.Support;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>The memory of sequences for which the cache has no slot: when it grows, when it is released, and that nothing of one sequence stays in it.</summary>
[TestClass]
public sealed class ScratchMemoryTests
{
    private const int Vocabulary = 64;

    private static readonly ModelFolder s_folder = ModelFolder.Open(Files.InFormat(3));

    /// <summary>The logits of one query and the keys and values of a slot of 64 positions and 16 spare ones.</summary>
    [TestMethod]
    public void BufferBytes_AfterAPassWithoutASlot_CountsKeysAndValues()
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(s_folder, maxCacheBytes: 0);
        Evaluate(model, NewState(20));
        Assert.AreEqual((Vocabulary * sizeof(float)) + (80 * s_folder.Manifest.CacheBytesPerToken), model.BufferBytes);
    }

    /// <summary>Slots stay as long as they are until a pass needs longer ones, or half of their length is enough.</summary>
    [TestMethod]
    public void Evaluate_OtherLengths_RarelyChangesTheLengthOfSlots()
    {
        using CachedOnnxModel model = Open(format: new ExactLengths());
        foreach ((int length, int expected) in ((int, int)[])[(30, 30), (20, 30), (16, 30), (15, 15), (16, 16), (16, 16), (40, 40), (8, 8), (7, 8)])
        {
            Evaluate(model, NewState(length));
            Assert.AreEqual(new CacheLayout(1, expected), CachedModelFields.Scratch(model).Layout, $"{length} tokens");
        }
    }

    /// <summary>Tensors over memory that was replaced would be used again for the next run of their shape.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_MoreSequences_ReplacesTheMemoryAndItsTensors(bool onDevice)
    {
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = Open(onDevice ? memory : null, new ExactLengths()), expected = CachedOnnxModel.Open(s_folder);
        SequenceState first = NewState(20), second = NewState(20);
        foreach ((SequenceState[] states, int slots, int tensors) in ((SequenceState[], int, int)[])
            [([first], 1, 1), ([first, second], 2, 1), ([first], 2, 2), ([second], 2, 2), ([first, second], 2, 2)])
        {
            Evaluate(model, states);
            float[][] logits = [.. states.Select(state => state.Logits.ToArray())];
            Assert.AreEqual((slots, tensors), (CachedModelFields.Scratch(model).Layout.Slots, CachedModelFields.Tensors(model).Count));
            Evaluate(expected, states);
            for (int i = 0; i < states.Length; i++)
                Assert.AreEqual(0f, CacheComparison.MaxDifference(states[i].Logits.ToArray(), logits[i]), 1e-4f);
        }
    }

    /// <summary>Nothing is bound or allocated again for a shape that has been seen.</summary>
    [TestMethod]
    public void Evaluate_SameShapeAgain_KeepsTheTensors()
    {
        using CachedOnnxModel model = Open();
        SequenceState[] states = [NewState(20), NewState(20)];
        Evaluate(model, states);
        BoundTensors first = CachedModelFields.Tensors(model).Single();
        Evaluate(model, states);
        Assert.AreSame(first, CachedModelFields.Tensors(model).Single());
    }

    /// <summary>A pass in which all sequences have slots leaves scratch memory as it is, and tensors bound.</summary>
    [TestMethod]
    public void Evaluate_SequencesWithSlots_KeepTheTensors()
    {
        using CachedOnnxModel model = Open(format: new ExactLengths(), slots: 1);
        SequenceState longer = NewState(40);
        Evaluate(model, longer);
        BoundTensors first = CachedModelFields.Tensors(model).Single();
        model.Release(longer);
        Evaluate(model, NewState(10));
        Assert.AreSame(first, CachedModelFields.Tensors(model).Single());
    }

    /// <summary>Buffers above the size that is retained are released after the pass, on a device too, and the next pass has new ones.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_AboveTheRetainedSize_ReleasesAllBuffers(bool onDevice)
    {
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = Open(onDevice ? memory : null);
        CachedModelFields.Limits(model) = CachedModelFields.Limits(model) with { RetainedBytes = 0 };
        for (int pass = 0; pass < 2; pass++)
        {
            Evaluate(model, NewState(20), NewState(20));
            int inputs = onDevice ? 1 : 0; // of no positions
            Assert.AreEqual((0, inputs, inputs), (model.BufferBytes, memory.Blocks, memory.HostBlocks.Count));
            Assert.IsEmpty(CachedModelFields.Tensors(model));
        }
    }

    [TestMethod]
    public void Dispose_ModelOnADevice_FreesScratchMemoryToo()
    {
        using var memory = new SeparateMemory();
        using (CachedOnnxModel model = Open(memory, slots: 1))
        {
            Evaluate(model, NewState(20), NewState(20));
            Assert.IsGreaterThan(0, memory.Blocks);
        }

        Assert.AreEqual(0, memory.Blocks);
        Assert.IsEmpty(memory.HostBlocks);
    }

    /// <summary>Keys and values in device memory are not checked: what one sequence broke must not reach the next, in whichever slot.</summary>
    [TestMethod]
    public void Evaluate_AfterABrokenSequence_IsFinite()
    {
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = Open(memory);
        Evaluate(model, NewState(20), NewState(20));
        for (int slot = 0; slot < 2; slot++)
        {
            Break(CachedModelFields.Scratch(model), slot);
            SequenceState[] next = [NewState(20), NewState(20)];
            Evaluate(model, next);
            Assert.IsTrue(next.All(state => state.Logits.ToArray().All(float.IsFinite)), $"slot {slot}");
        }
    }

    /// <summary>Control: the test would notice a broken slot.</summary>
    [TestMethod]
    public void Evaluate_BrokenSlotOfTheCache_IsNotFinite()
    {
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = Open(memory, slots: 1);
        SequenceState state = NewState(20);
        Evaluate(model, state);
        Break(CachedModelFields.Cache(model), 0);
        Evaluate(model, state);
        Assert.IsFalse(state.Logits.ToArray().All(float.IsFinite));
    }

    [TestMethod]
    public void CreateCache_MemoryOfADevice_IsThere()
    {
        using var memory = new SeparateMemory();
        Assert.IsInstanceOfType<DeviceKeyValueCache>(CachedOnnxModel.CreateCache(s_folder.Manifest, memory));
        Assert.IsInstanceOfType<HostKeyValueCache<float>>(CachedOnnxModel.CreateCache(s_folder.Manifest, null));
    }

    private static CachedOnnxModel Open(SeparateMemory? memory = null, CachedGraphFormat? format = null, int slots = 0) => CachedOnnxModel.Open(
        s_folder, new ExecutionSettings(Device.Cpu, Float32: true) { CapturesGraphs = true }, slots * 144 * s_folder.Manifest.CacheBytesPerToken,
        CachedOnnxModel.CreateCache(s_folder.Manifest, memory), format, memory);

    private static SequenceState NewState(int length)
    {
        var state = new SequenceState(Order.LeftToRight([true, .. new bool[length - 1]]), [.. Enumerable.Range(9, length)], Vocabulary, 1);
        state.BeginForwardPass(1);
        state.AddQuery(new Conditional(1, 1));
        return state;
    }

    private static void Evaluate(CachedOnnxModel model, params SequenceState[] states) => model.Evaluate(states, CancellationToken.None);

    private static void Break(IKeyValueCache cache, int slot)
    {
        using OrtValue tensor = cache.Tensor(0, slot, 1);
        tensor.GetTensorMutableDataAsSpan<float>().Fill(float.NaN);
    }

    /// <summary>Slots as long as the longest sequence, without spare positions, which runs of sequences of one length do not need.</summary>
    private sealed class ExactLengths() : CachedGraphFormat(GraphContract.Cached(s_folder.Manifest))
    {
        public override int SlotLength(int longest) => longest;
    }
}
