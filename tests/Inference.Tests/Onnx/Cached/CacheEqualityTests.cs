using System.Numerics.Tensors;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Stateless;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>
/// The cache does not change logits: over random histories the cached graph has the logits of the stateless one, and those of a sequence are
/// bit-identical whichever sequences share its forward passes.
/// </summary>
[TestClass]
public sealed class CacheEqualityTests
{
    private const float Tolerance = 1e-4f;
    private const long NoLimit = long.MaxValue;

    /// <summary>Folder, number of forward passes and maximum length: 2,300 passes in all, most with several sequences.</summary>
    public static IEnumerable<(string Folder, int Passes, int MaxLength)> Models => [(Files.Tiny, 1000, 64), (Files.Micro, 900, 16), (Files.Default, 400, 128)];

    /// <summary>Computes the default model as on GPUs; its int8 arithmetic on CPUs would amplify rounding differences between the graphs.</summary>
    private static readonly ExecutionSettings s_float32 = new(Device.Cpu, Float32: true);

    /// <summary>Models of other precisions, for which the two graphs agree less closely; int4 with the default group size of exports.</summary>
    public static IEnumerable<(string Folder, int Passes, int MaxLength)> Precisions =>
        ((string[])["float16", "int8", "int4"]).Select(precision => (Files.InPrecision(precision), 300, 64));

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Evaluate_RandomHistories_MatchesTheStatelessGraph(string folder, int passes, int maxLength)
    {
        using CachedOnnxModel cached = CachedOnnxModel.Open(ModelFolder.Open(folder), s_float32, NoLimit);
        float max = MaxDifference(cached, folder, passes, maxLength, seed: 1, release: true);
        Assert.IsLessThanOrEqualTo(Tolerance, max);
    }

    /// <summary>With memory for no sequence or for a few, the others are encoded again, and logits stay the same.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(64)]
    [DataRow(3 * 64)]
    public void Evaluate_LittleMemory_MatchesTheStatelessGraph(int tokens)
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest;
        HostKeyValueCache cache = NewCache(manifest);
        long bytes = 2L * manifest.Layers * manifest.ModelDimension * sizeof(float) * tokens;
        using CachedOnnxModel cached = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny), new ExecutionSettings(Device.Cpu), bytes, cache);
        Assert.IsLessThanOrEqualTo(Tolerance, MaxDifference(cached, Files.Tiny, 300, 64, seed: 2, release: true));
        Assert.AreEqual(tokens, cache.Layout.Slots * cache.Layout.Length, "The limit was not reached, or exceeded.");
    }

    /// <summary>Sequences that are never released lose their slots to others.</summary>
    [TestMethod]
    public void Evaluate_SequencesNeverReleased_MatchesTheStatelessGraph()
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest;
        using CachedOnnxModel cached = Open(Files.Tiny, 2L * manifest.Layers * manifest.ModelDimension * sizeof(float) * 64 * 9);
        Assert.IsLessThanOrEqualTo(Tolerance, MaxDifference(cached, Files.Tiny, 300, 64, seed: 3, release: false));
    }

    [TestMethod]
    public void Evaluate_LargeValuesInUnwrittenMemory_MatchesTheStatelessGraph()
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest;
        var cache = new LargeValueCache(NewCache(manifest), 2 * manifest.Layers, manifest.ModelDimension);
        using CachedOnnxModel cached = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny), new ExecutionSettings(Device.Cpu), NoLimit, cache);
        Assert.IsLessThanOrEqualTo(Tolerance, MaxDifference(cached, Files.Tiny, 300, 64, seed: 4, release: true));
    }

    /// <summary>Control: a cache that does not overwrite rejected draft tokens is detected.</summary>
    [TestMethod]
    public void Evaluate_RejectedSlotNotOverwritten_Differs()
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest;
        Order order = Order.LeftToRight([true, false, false, false]);
        float[] Evaluate(IKeyValueCache cache)
        {
            using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny), new ExecutionSettings(Device.Cpu), NoLimit, cache);
            var state = new SequenceState(order, [9, 0, 0, 0], model.VocabularySize, 1);
            foreach (int draftToken in new[] { 20, 30 })
            {
                state.SetToken(1, draftToken);
                state.BeginForwardPass(2);
                state.AddQuery(new Conditional(2, 2));
                model.Evaluate([state], CancellationToken.None);
            }

            state.SetToken(2, 40);
            state.BeginForwardPass(3);
            state.AddQuery(new Conditional(3, 3)); // now the second draft token is read from the cache
            model.Evaluate([state], CancellationToken.None);
            return state.Logits.ToArray();
        }

        float[] right = Evaluate(NewCache(manifest)), wrong = Evaluate(new NonOverwritingCache(NewCache(manifest)));
        Assert.IsGreaterThan(0.01f, MaxDifference(right, wrong));
        using CachedOnnxModel nonOverwriting = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny), new ExecutionSettings(Device.Cpu), NoLimit, new NonOverwritingCache(NewCache(manifest)));
        Assert.IsGreaterThan(0.01f, MaxDifference(nonOverwriting, Files.Tiny, 30, 64, seed: 1, release: true));
    }

    /// <summary>Row invariance: a row has the same bits whichever rows and sequences share the pass, in every precision.</summary>
    [TestMethod]
    [DynamicData(nameof(Models))]
    [DynamicData(nameof(Precisions))]
    public void Evaluate_InABatch_GivesTheSameBitsAsAlone(string folder, int passes, int maxLength)
    {
        using CachedOnnxModel together = Open(folder, NoLimit), alone = Open(folder, NoLimit);
        Assert.AreEqual(0, MaxDifferenceInBatch(together, together, alone, passes / 4, maxLength));
    }

    /// <summary>Control: an activation scale that all rows of a pass share, as in DynamicQuantizeMatMul, is detected.</summary>
    [TestMethod]
    public void Evaluate_RowsThatShareAScale_Differ()
    {
        string folder = Files.InPrecision("int8");
        using CachedOnnxModel together = Open(folder, NoLimit), alone = Open(folder, NoLimit);
        Assert.IsGreaterThan(0, MaxDifferenceInBatch(new SharedScale(together), together, new SharedScale(alone), 30, 64));
    }

    private static float MaxDifferenceInBatch(IAnySubsetModel together, CachedOnnxModel first, IAnySubsetModel alone, int passes, int maxLength)
    {
        var history = new RandomHistory(first, seed: 5, maxLength);
        history.Ended += together.Release;
        history.Ended += alone.Release;
        float max = 0;
        for (int i = 0; i < passes; i++)
        {
            SequenceState[] batch = history.Next();
            together.Evaluate(batch, CancellationToken.None);
            float[][] logits = [.. batch.Select(state => state.Logits.ToArray())];
            for (int j = 0; j < batch.Length; j++)
            {
                alone.Evaluate([batch[j]], CancellationToken.None);
                max = Math.Max(max, MaxDifference(logits[j], batch[j].Logits.ToArray()));
            }
        }

        return max;
    }

    private static float MaxDifference(CachedOnnxModel cached, string folder, int passes, int maxLength, long seed, bool release)
    {
        using StatelessOnnxModel stateless = StatelessOnnxModel.Open(ModelFolder.Open(folder), s_float32);
        var history = new RandomHistory(cached, seed, maxLength);
        if (release)
            history.Ended += cached.Release;
        float max = 0;
        for (int i = 0; i < passes; i++)
        {
            SequenceState[] batch = history.Next();
            cached.Evaluate(batch, CancellationToken.None);
            float[][] logits = [.. batch.Select(state => state.Logits.ToArray())];
            stateless.Evaluate(batch, CancellationToken.None);
            for (int j = 0; j < batch.Length; j++)
                max = Math.Max(max, MaxDifference(logits[j], batch[j].Logits.ToArray()));
        }

        return max;
    }

    private static float MaxDifference(float[] logits, float[] others)
    {
        float max = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            float difference = Math.Abs(logits[i] - others[i]);
            max = float.IsNaN(difference) ? float.PositiveInfinity : Math.Max(max, difference);
        }

        return max;
    }

    private static CachedOnnxModel Open(string folder, long bytes) => CachedOnnxModel.Open(ModelFolder.Open(folder), maxCacheBytes: bytes);

    private static HostKeyValueCache NewCache(ModelManifest manifest) => new(2 * manifest.Layers, manifest.Heads, manifest.HeadSize);

    /// <summary>Rounds all logits of a pass to 16 bits, relative to the largest of them.</summary>
    private sealed class SharedScale(IAnySubsetModel model) : IAnySubsetModel
    {
        public int VocabularySize => model.VocabularySize;

        public int MaxLength => model.MaxLength;

        public void Release(SequenceState sequence) => model.Release(sequence);

        public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
        {
            model.Evaluate(states, cancellationToken);
            float maxMagnitude = 0;
            foreach (SequenceState state in states)
                maxMagnitude = Math.Max(maxMagnitude, TensorPrimitives.MaxMagnitude<float>(state.Logits));
            float scale = Math.Abs(maxMagnitude) / (1 << 15);
            foreach (SequenceState state in states)
            {
                for (int i = 0; i < state.Logits.Length; i++)
                    state.Logits[i] = MathF.Round(state.Logits[i] / scale) * scale;
            }
        }
    }
}
