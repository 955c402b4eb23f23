using System.Runtime.InteropServices;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Tests.ModelFolders;
using AsArm.Inference.Tests.Support;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>A network with a token whose embedding is not finite. Sequences without that token never see it, in any slot.</summary>
[TestClass]
public sealed class NonFiniteTests
{
    private const int BadToken = 40, Length = 30, Width = 32;

    [TestMethod]
    [DataRow(1, float.NaN)]
    [DataRow(1, float.PositiveInfinity)]
    [DataRow(3, float.NaN)]
    [DataRow(3, float.PositiveInfinity)]
    [DataRow(3, 3e38f)]
    public void Evaluate_AfterABadSequence_NextOwnersOfItsSlotAreFinite(int format, float value)
    {
        using var folder = new TemporaryFolder(Files.InFormat(format));
        SetEmbedding(folder, value);
        CollectionAssert.AreEqual(Expected(format), Evaluate(folder.Path, cache => cache));
    }

    /// <summary>Padding rows of the first bad sequence have written the spare position of its slot, and the next owners have no padding rows that write it again.</summary>
    [TestMethod]
    [DataRow(long.MaxValue)]
    [DataRow(0)]
    public void Evaluate_AfterBadPaddingRows_NextOwnersOfTheSlotAreFinite(long maxCacheBytes)
    {
        using var folder = new TemporaryFolder(Files.InFormat(3));
        SetEmbedding(folder, float.NaN);
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(folder.Path), maxCacheBytes: maxCacheBytes);
        SequenceState[] bad = [NewState(BadToken, 1), NewState(BadToken, 7)], next = [NewState(20, 5), NewState(22, 5)];
        model.Evaluate(bad, CancellationToken.None);
        foreach (SequenceState state in bad)
            model.Release(state);
        model.Evaluate(next, CancellationToken.None);
        Assert.IsTrue(next.SelectMany(LogitsOf).All(float.IsFinite));
    }

    /// <summary>Control: a cache that keeps what is not finite.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Evaluate_BadRowsKept_ReachTheNextOwner(int format)
    {
        using var folder = new TemporaryFolder(Files.InFormat(format));
        SetEmbedding(folder, float.NaN);
        Assert.Contains(value => !float.IsFinite(value), Evaluate(folder.Path, cache => new UncheckedCache(cache)));
    }

    /// <summary>In the same pass too, in slots and in scratch memory, and the bad sequence itself recovers without the token.</summary>
    [TestMethod]
    [DataRow(1, long.MaxValue)]
    [DataRow(3, long.MaxValue)]
    [DataRow(3, 0)]
    public void Evaluate_BesideABadSequence_IsFinite(int format, long maxCacheBytes)
    {
        using var folder = new TemporaryFolder(Files.InFormat(format));
        SetEmbedding(folder, float.NaN);
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(folder.Path), maxCacheBytes: maxCacheBytes);
        SequenceState good = NewState(20, 1), bad = NewState(21, 2);
        bad.SetToken(3, BadToken);
        bad.BeginForwardPass(5);
        bad.AddQuery(new Conditional(6, 5));
        for (int pass = 0; pass < 3; pass++)
        {
            model.Evaluate([good, bad], CancellationToken.None);
            Assert.IsFalse(LogitsOf(bad).All(float.IsFinite));
            Assert.IsTrue(LogitsOf(good).All(float.IsFinite));
        }

        bad.SetToken(3, 11);
        model.Evaluate([bad], CancellationToken.None);
        Assert.IsTrue(LogitsOf(bad).All(float.IsFinite));
    }

    private static float[] Expected(int format)
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Files.InFormat(format)));
        SequenceState[] states = [NewState(20, 1), NewState(22, 5)];
        model.Evaluate(states, CancellationToken.None);
        return [.. states.SelectMany(LogitsOf)];
    }

    /// <summary>The logits of two sequences after others with the token in the same slots: the first with padding rows, the second at many positions.</summary>
    private static float[] Evaluate(string path, Func<IKeyValueCache, IKeyValueCache> wrap)
    {
        ModelFolder folder = ModelFolder.Open(path);
        using CachedOnnxModel model = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu), long.MaxValue, wrap(HostKeyValueCache.Create(folder.Manifest)));
        SequenceState[] bad = [NewState(BadToken, 1), NewState(BadToken, 7)];
        model.Evaluate(bad, CancellationToken.None);
        foreach (SequenceState state in bad)
        {
            Assert.IsFalse(LogitsOf(state).All(float.IsFinite), "The token has no effect.");
            model.Release(state);
        }

        SequenceState[] states = [NewState(20, 1), NewState(22, 5)];
        model.Evaluate(states, CancellationToken.None);
        return [.. states.SelectMany(LogitsOf)];
    }

    /// <summary>Without that of the token itself, which has the same embedding.</summary>
    private static IEnumerable<float> LogitsOf(SequenceState state) => state.Logits.ToArray().Where((_, token) => token != BadToken);

    private static SequenceState NewState(int token, int given)
    {
        bool[] isGiven = [.. Enumerable.Repeat(true, given), .. new bool[Length - given]];
        var state = new SequenceState(Order.LeftToRight(isGiven), [.. Enumerable.Repeat(token, Length)], 64, 1);
        state.BeginForwardPass(given);
        state.AddQuery(new Conditional(Length - 1, given));
        return state;
    }

    /// <summary>Changes the token's row of the embedding, which the checkpoint tells, in the weights of a folder.</summary>
    private static void SetEmbedding(TemporaryFolder folder, float value)
    {
        float[] embedding = Safetensors.Open(Files.Golden("tiny/model.safetensors")).Read<float>("transformer.word_embedding.weight");
        ReadOnlySpan<byte> row = MemoryMarshal.AsBytes(embedding.AsSpan(BadToken * Width, Width));
        byte[] weights = File.ReadAllBytes(folder.In("model.onnx_data"));
        int found = 0;
        for (int at; (at = weights.AsSpan().IndexOf(row)) >= 0; found++) // each graph may have its own
            MemoryMarshal.Cast<byte, float>(weights.AsSpan(at, row.Length)).Fill(value);
        Assert.IsGreaterThan(0, found);
        ManifestText.ReplaceFile(folder, "model.onnx_data", weights);
    }

    /// <summary>Keeps what a run has written, finite or not.</summary>
    private sealed class UncheckedCache(IKeyValueCache inner) : IKeyValueCache
    {
        public CacheLayout Layout => inner.Layout;

        public void Resize(CacheLayout layout, int keptSlots) => inner.Resize(layout, keptSlots);

        public void Copy(int from, int to) => inner.Copy(from, to);

        public OrtValue Tensor(int port, int firstSlot, int slots) => inner.Tensor(port, firstSlot, slots);

        public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values) => inner.Write(port, slot, positions, values);

        public bool EnsureFinite(int slot, ReadOnlySpan<int> positions) => true;
    }
}
