using System.Numerics.Tensors;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
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

    private static readonly ExecutionSettings s_cpu = new(Device.Cpu);

    /// <summary>Folder, number of forward passes and maximum length: 4,020 passes in all, most with several sequences.</summary>
    public static IEnumerable<(string Folder, int Passes, int MaxLength)> Models => [(Files.InFormat(1), 1000, 64), (Files.InFormat(3), 2000, 64), (Files.Micro, 900, 16), (Files.Default, 120, 128)];

    /// <summary>Models of other precisions, for which the two graphs agree less closely; int4 with the default group size of exports.</summary>
    public static IEnumerable<(string Folder, int Passes, int MaxLength)> Precisions =>
        ((string[])["float16", "int8", "int4"]).Select(precision => (Files.InPrecision(precision), 300, 64));

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Evaluate_RandomHistories_MatchesTheStatelessGraph(string folder, int passes, int maxLength)
    {
        using CachedOnnxModel cached = CachedOnnxModel.Open(ModelFolder.Open(folder), CacheComparison.Float32, NoLimit);
        float max = CacheComparison.WithStateless(cached, ModelFolder.Open(folder), passes, maxLength, seed: 1, release: true);
        Assert.IsLessThanOrEqualTo(Tolerance, max);
    }

    /// <summary>A few passes, which take little time: mutation testing (stryker-cache.json) leaves the longer histories out.</summary>
    [TestMethod]
    [DataRow(1, NoLimit)]
    [DataRow(1, 0)]
    [DataRow(3, NoLimit)]
    [DataRow(3, 0)]
    public void Evaluate_ShortHistory_MatchesTheStatelessGraph(int format, long maxCacheBytes)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(format));
        using CachedOnnxModel cached = CachedOnnxModel.Open(folder, maxCacheBytes: maxCacheBytes);
        Assert.IsLessThanOrEqualTo(Tolerance, CacheComparison.WithStateless(cached, folder, 25, 64, seed: 4, release: true));
    }

    /// <summary>With memory for no sequence or for a few, the others are encoded again, and logits stay the same.</summary>
    [TestMethod]
    [DataRow(1, 0)]
    [DataRow(1, 64)]
    [DataRow(1, 3 * 64)]
    [DataRow(3, 0)]
    [DataRow(3, 80)]
    [DataRow(3, 3 * 80)]
    public void Evaluate_LittleMemory_MatchesTheStatelessGraph(int format, int tokens)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(format));
        IKeyValueCache cache = HostKeyValueCache.Create(folder.Manifest);
        using CachedOnnxModel cached = CachedOnnxModel.Open(folder, s_cpu, folder.Manifest.CacheBytesPerToken * tokens, cache);
        Assert.IsLessThanOrEqualTo(Tolerance, CacheComparison.WithStateless(cached, folder, 300, 64, seed: 2, release: true));
        Assert.AreEqual(tokens, cache.Layout.Positions, "The limit was not reached, or exceeded.");
    }

    /// <summary>Sequences that are never released lose their slots to others.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Evaluate_SequencesNeverReleased_MatchesTheStatelessGraph(int format)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(format));
        using CachedOnnxModel cached = Open(folder.FullPath, folder.Manifest.CacheBytesPerToken * 80 * 9);
        Assert.IsLessThanOrEqualTo(Tolerance, CacheComparison.WithStateless(cached, folder, 300, 64, seed: 3, release: false));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Evaluate_LargeValuesInUnwrittenMemory_MatchesTheStatelessGraph(int format)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(format));
        var cache = new LargeValueCache(HostKeyValueCache.Create(folder.Manifest), 2 * folder.Manifest.Layers, folder.Manifest.ModelDimension);
        using CachedOnnxModel cached = CachedOnnxModel.Open(folder, s_cpu, NoLimit, cache);
        Assert.IsLessThanOrEqualTo(Tolerance, CacheComparison.WithStateless(cached, folder, 300, 64, seed: 4, release: true));
    }

    /// <summary>Control: a cache in which rejected draft tokens stay is detected.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Evaluate_RejectedSlotNotOverwritten_Differs(int format)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(format));
        Order order = Order.LeftToRight([true, false, false, false]);
        float[] Evaluate(IKeyValueCache cache)
        {
            using CachedOnnxModel model = CachedOnnxModel.Open(folder, s_cpu, NoLimit, cache);
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

        ModelManifest manifest = folder.Manifest;
        NonOverwritingCache NonOverwriting() => new(HostKeyValueCache.Create(manifest), 2 * manifest.Layers, manifest.Heads, manifest.HeadSize);
        float[] right = Evaluate(HostKeyValueCache.Create(manifest)), wrong = Evaluate(NonOverwriting());
        Assert.IsGreaterThan(0.01f, CacheComparison.MaxDifference(right, wrong));
        using CachedOnnxModel nonOverwriting = CachedOnnxModel.Open(folder, s_cpu, NoLimit, NonOverwriting());
        Assert.IsGreaterThan(0.01f, CacheComparison.WithStateless(nonOverwriting, folder, 30, 64, seed: 1, release: true));
    }

    /// <summary>Row invariance: a row has the same bits whichever rows and sequences share the pass, in every precision.</summary>
    [TestMethod]
    [DynamicData(nameof(Models))]
    [DynamicData(nameof(Precisions))]
    public void Evaluate_InABatch_GivesTheSameBitsAsAlone(string folder, int passes, int maxLength)
    {
        using CachedOnnxModel together = Open(folder, NoLimit), alone = Open(folder, NoLimit);
        Assert.AreEqual(0, CacheComparison.InABatch(together, together, alone, passes / 4, maxLength));
    }

    /// <summary>Control: an activation scale that all rows of a pass share, as in DynamicQuantizeMatMul, is detected.</summary>
    [TestMethod]
    public void Evaluate_RowsThatShareAScale_Differ()
    {
        string folder = Files.InPrecision("int8");
        using CachedOnnxModel together = Open(folder, NoLimit), alone = Open(folder, NoLimit);
        Assert.IsGreaterThan(0, CacheComparison.InABatch(new SharedScale(together), together, new SharedScale(alone), 30, 64));
    }

    private static CachedOnnxModel Open(string folder, long bytes) => CachedOnnxModel.Open(ModelFolder.Open(folder), maxCacheBytes: bytes);

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
