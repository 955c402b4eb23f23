using System.Globalization;
using System.Runtime.CompilerServices;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.DeviceMemory;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Onnx.DeviceMemory;
using AsArm.Inference.Tests.Support;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>
/// The cache and the buffers in the memory of a device, with the buckets and the run options of captured graphs, on the CPU provider: all but the capture
/// itself, which it does not have.
/// </summary>
[TestClass]
public sealed class DeviceCacheTests
{
    private const float Tolerance = 1e-4f;

    private static readonly ExecutionSettings s_execution = new(Device.Cpu, Float32: true) { CapturesGraphs = true };

    [TestMethod]
    [DynamicData(nameof(Histories))]
    public void Evaluate_RandomHistories_MatchesTheStatelessGraph(string folder, int passes, int maxLength, bool release)
    {
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = Open(folder, memory);
        Assert.IsLessThanOrEqualTo(Tolerance, CacheComparison.WithStateless(model, ModelFolder.Open(folder), passes, maxLength, seed: 6, release));
        Assert.IsFalse(memory.HasPendingCopies);
        Assert.IsGreaterThan(0, model.CudaGraphCount);
        Assert.IsNull(model.CudaGraphFailure);
    }

    /// <summary>Folder, number of forward passes, maximum length, and whether sequences are released: 2,100 passes.</summary>
    public static IEnumerable<(string Folder, int Passes, int MaxLength, bool Release)> Histories =>
        [(Files.InFormat(3), 1200, 64, true), (Files.InFormat(3), 300, 64, false), (Files.Micro, 500, 16, true), (Files.Default, 100, 128, true)];

    /// <summary>Sequences beyond the memory of the cache run in scratch memory of the device.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(3 * 144)]
    public void Evaluate_LittleMemory_MatchesTheStatelessGraph(int tokens)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(3));
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = CachedOnnxModel.Open(
            folder, s_execution, folder.Manifest.CacheBytesPerToken * tokens, new DeviceKeyValueCache(folder.Manifest, memory), memory: memory);
        Assert.IsLessThanOrEqualTo(Tolerance, CacheComparison.WithStateless(model, folder, 300, 64, seed: 7, release: true));
    }

    /// <summary>One more and one less than each size of batch, content positions, query positions and slots.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(4)]
    [DataRow(8)]
    [DataRow(16)]
    public void Evaluate_AtTheBordersOfBuckets_MatchesTheHostCache(int size)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(3));
        using var memory = new SeparateMemory();
        using CachedOnnxModel device = Open(folder.FullPath, memory), host = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu, Float32: true));
        foreach (int batch in Around(size))
        {
            foreach (int content in Around(size))
            {
                SequenceState[] states = [.. Enumerable.Range(0, batch).Select(i => NewState(length: 40 + (i % 2), i))];
                foreach (int known in new[] { 3, 3 + content })
                {
                    foreach (int targets in Around(size))
                        Assert.IsLessThanOrEqualTo(Tolerance, Difference(device, host, states, known, targets));
                }

                foreach (SequenceState state in states)
                    device.Release(state);
            }
        }
    }

    /// <summary>Slots of 128 positions and spare ones, and a longer one after it: keys and values move with the layout.</summary>
    [TestMethod]
    public void Evaluate_LengthsAtTheBordersOfSlots_MatchesTheHostCache()
    {
        ModelFolder folder = ModelFolder.Open(Files.Default);
        using var memory = new SeparateMemory();
        using CachedOnnxModel device = Open(folder.FullPath, memory), host = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu, Float32: true));
        SequenceState[] states = [.. new[] { 127, 128, 60, 129, 200, 256 }.Select((length, i) => NewState(length, i, folder.Manifest.VocabularySize))];
        for (int count = 1; count <= states.Length; count++)
        {
            for (int known = 3; known < 50; known += 23)
                Assert.IsLessThanOrEqualTo(Tolerance, Difference(device, host, states[..count], known, targets: 2));
        }
    }

    [TestMethod]
    public void Evaluate_RepeatedShapes_CopiesOnlyInputsAndLogits()
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(3));
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = Open(folder.FullPath, memory);
        SequenceState state = NewState(40, 1);
        Evaluate(model, [state], known: 3, targets: 3);
        memory.Copied.Clear();
        Evaluate(model, [state], known: 8, targets: 3);
        Assert.AreEqual(3 * folder.Manifest.VocabularySize * sizeof(float), memory.Copied[CopyDirection.ToHost], "Padding is not copied.");
        Assert.IsLessThan(4096, memory.Copied[CopyDirection.ToDevice]);
        Assert.IsFalse(memory.Copied.ContainsKey(CopyDirection.OnDevice));
    }

    /// <summary>The second run of a shape is captured, and later ones are replayed with its id; other shapes get other ids.</summary>
    [TestMethod]
    public void Evaluate_RepeatedShapes_AreCapturedOnce()
    {
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = Open(Files.InFormat(3), memory);
        SequenceState state = NewState(40, 1);
        for (int pass = 0; pass < 5; pass++)
        {
            Evaluate(model, [state], known: 3 + pass, targets: 2);
            Assert.AreEqual(pass < 2 ? 0 : 1, model.CudaGraphCount, string.Create(CultureInfo.InvariantCulture, $"pass {pass}"));
        }

        Evaluate(model, [state], known: 8, targets: 3);
        Evaluate(model, [state], known: 9, targets: 4);
        Assert.AreEqual(2, model.CudaGraphCount);
        Assert.IsTrue(CachedModelFields.Tensors(model).All(tensors => tensors.AreOnDevice), "Inputs would be bound again for each run.");
    }

    [TestMethod]
    public void Evaluate_OnADevice_HasAllTensorsInItsMemory()
    {
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = Open(Files.InFormat(3), memory);
        Evaluate(model, [NewState(40, 1)], known: 3, targets: 2);
        BoundTensors tensors = CachedModelFields.Tensors(model).Single();
        foreach (OrtValue tensor in InputsOf(tensors).Concat(OutputsOf(tensors)))
            Assert.IsTrue(memory.Contains(tensor));
    }

    [TestMethod]
    public void Evaluate_CapturesNotAskedFor_RunsAsUsual()
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(3));
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = CachedOnnxModel.Open(
            folder, s_execution with { CapturesGraphs = false }, long.MaxValue, new DeviceKeyValueCache(folder.Manifest, memory), memory: memory);
        SequenceState state = NewState(40, 1);
        for (int pass = 0; pass < 4; pass++)
            Evaluate(model, [state], known: 3 + pass, targets: 2);
        Assert.AreEqual(0, model.CudaGraphCount);
    }

    /// <summary>Shapes beyond the limit run as usual.</summary>
    [TestMethod]
    public void OptionsFor_MoreShapesThanTheLimit_AreNotCaptured()
    {
        ModelFolder folder = ModelFolder.Open(Files.Micro);
        using OnnxGraph graph = OnnxGraph.Open(folder, folder.GraphPath(s_execution, useCache: true)!, GraphContract.Cached(folder.Manifest), s_execution);
        BoundTensors[] shapes = [.. Enumerable.Range(0, 3).Select(_ => new BoundTensors(graph, [], []))];
        var captures = new GraphCaptures(limit: 2);
        bool[][] captured = [.. Enumerable.Range(0, 3).Select(_ => shapes.Select(tensors => captures.OptionsFor(tensors) is not null).ToArray())];
        SpanAssert.AreEqual([false, false, false], captured[0], "First runs.");
        SpanAssert.AreEqual([true, true, false], captured[1]);
        SpanAssert.AreEqual([true, true, false], captured[2]);
        Assert.AreEqual(2, captures.Count);
        foreach (BoundTensors tensors in shapes)
            tensors.Dispose();
    }

    /// <summary>A capture that fails is repeated as a usual run in a session without captures, and said once.</summary>
    [TestMethod]
    public void Evaluate_CaptureFails_GoesOnWithout()
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(3));
        using var memory = new SeparateMemory();
        using CachedOnnxModel model = Open(folder.FullPath, memory), host = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu, Float32: true));
        SequenceState[] states = [NewState(40, 1), NewState(40, 2)];
        for (int pass = 0; pass < 6; pass++)
        {
            BoundTensors? refused = pass == 3 ? CachedModelFields.Tensors(model).Single(tensors => tensors.CaptureOptions is not null) : null;
            refused?.CaptureOptions!.AddRunConfigEntry("gpu_graph_id", "no number"); // ONNX Runtime refuses the run
            Assert.IsLessThanOrEqualTo(Tolerance, Difference(model, host, states, known: 3 + pass, targets: 2));
            Assert.AreEqual(pass >= 3, model.CudaGraphFailure is not null);
            Assert.IsTrue(refused is null || !CachedModelFields.Tensors(model).Contains(refused), "They are bound to the session that was closed.");
        }

        Assert.Contains("graph annotation id", model.CudaGraphFailure!);
        Assert.AreEqual(0, model.CudaGraphCount);
    }

    /// <summary>What one sequence broke does not reach the next owner of its slot, and not others in the batch.</summary>
    [TestMethod]
    public void Evaluate_NextOwnerOfABrokenSlot_HasFiniteLogits()
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(3));
        using var memory = new SeparateMemory();
        var cache = new DeviceKeyValueCache(folder.Manifest, memory);
        using CachedOnnxModel device = CachedOnnxModel.Open(folder, s_execution, long.MaxValue, cache, memory: memory);
        using CachedOnnxModel host = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu, Float32: true));
        SequenceState broken = NewState(40, 1), other = NewState(40, 2), next = NewState(40, 3);
        Evaluate(device, [broken, other], known: 5, targets: 1);
        Break(cache, memory, slot: 0);
        Evaluate(device, [broken], known: 6, targets: 1);
        Assert.IsFalse(broken.Logits.ToArray().All(float.IsFinite), "Control: the slot is broken.");
        Assert.IsLessThanOrEqualTo(Tolerance, Difference(device, host, [other], known: 6, targets: 1));
        device.Release(broken);
        Assert.IsLessThanOrEqualTo(Tolerance, Difference(device, host, [next], known: 3, targets: 1));
    }

    [TestMethod]
    public void Evaluate_DeviceMemoryRunsOut_SaysSoAndCanGoOn()
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(3));
        using var memory = new SeparateMemory();
        using CachedOnnxModel device = Open(folder.FullPath, memory), host = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu, Float32: true));
        SequenceState state = NewState(40, 1);
        memory.Limit = 1 << 16;
        Assert.ThrowsExactly<InsufficientMemoryException>(() => Evaluate(device, [state], known: 3, targets: 1));
        memory.Limit = long.MaxValue;
        memory.FailsOnHost = true;
        Assert.ThrowsExactly<InsufficientMemoryException>(() => Evaluate(device, [state], known: 3, targets: 1));
        memory.FailsOnHost = false;
        Assert.IsLessThanOrEqualTo(Tolerance, Difference(device, host, [state], known: 3, targets: 1));
    }

    private static IEnumerable<int> Around(int size) => new[] { size - 1, size, size + 1 }.Where(number => number > 0);

    private static CachedOnnxModel Open(string path, SeparateMemory memory)
    {
        ModelFolder folder = ModelFolder.Open(path);
        return CachedOnnxModel.Open(folder, s_execution, long.MaxValue, new DeviceKeyValueCache(folder.Manifest, memory), memory: memory);
    }

    private static SequenceState NewState(int length, int seed, int vocabularySize = 64)
    {
        int[] tokens = [.. Enumerable.Range(0, length).Select(i => 9 + ((seed * 7) + (i * 11)) % 50)];
        return new SequenceState(Order.LeftToRight([true, true, true, .. new bool[length - 3]]), tokens, vocabularySize, 32);
    }

    private static void Evaluate(CachedOnnxModel model, SequenceState[] states, int known, int targets)
    {
        foreach (SequenceState state in states)
        {
            for (int rank = 3; rank < known; rank++)
                state.SetToken(rank, 9 + (rank * 5 % 50));
            state.BeginForwardPass(known);
            for (int i = 0; i < targets; i++)
                state.AddQuery(new Conditional(known + (i % 3), known));
        }

        model.Evaluate(states, CancellationToken.None);
    }

    private static float Difference(CachedOnnxModel one, CachedOnnxModel other, SequenceState[] states, int known, int targets)
    {
        Evaluate(one, states, known, targets);
        float[][] logits = [.. states.Select(state => state.Logits.ToArray())];
        Evaluate(other, states, known, targets);
        return states.Select((state, i) => CacheComparison.MaxDifference(logits[i], state.Logits.ToArray())).Max();
    }

    private static unsafe void Break(DeviceKeyValueCache cache, SeparateMemory memory, int slot)
    {
        float[] broken = [float.NaN];
        using OrtValue tensor = cache.Tensor(0, slot, 1);
        fixed (float* source = broken)
        fixed (byte* target = tensor.GetTensorMutableRawData())
            memory.Copy(CopyDirection.ToDevice, (nint)source, sizeof(float), (nint)target, sizeof(float), sizeof(float), 1);
        memory.Synchronize();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_inputs")]
    private static extern ref OrtValue[] InputsOf(BoundTensors tensors);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_outputs")]
    private static extern ref OrtValue[] OutputsOf(BoundTensors tensors);
}
