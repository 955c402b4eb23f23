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
/// The cache changes nothing: over random histories the cached graph's logits are those of the stateless one, and a sequence's logits are
/// the same bits whoever shares its calls.
/// </summary>
[TestClass]
public sealed class CacheEqualityTests
{
    private const float Tolerance = 1e-4f;
    private const long NoLimit = long.MaxValue;

    /// <summary>Folder, calls and longest sequence: 2,300 calls in all, most with several sequences.</summary>
    public static IEnumerable<(string Folder, int Calls, int Longest)> Models => [(Files.Tiny, 1000, 64), (Files.Micro, 900, 16), (Files.Default, 400, 128)];

    /// <summary>As GPUs compute the default model; on CPUs its int8 products magnify the last bits in which the graphs differ.</summary>
    private static readonly ExecutionSettings s_float32 = new(Device.Cpu, Float32: true);

    /// <summary>Models of other precisions, which agree with each other less closely; int4 with the block that exports have by default.</summary>
    public static IEnumerable<(string Folder, int Calls, int Longest)> Precisions =>
        ((string[])["float16", "int8", "int4"]).Select(precision => (Files.InPrecision(precision), 300, 64));

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Evaluate_RandomHistories_AnswersAsTheStatelessGraph(string folder, int states, int longest)
    {
        using CachedOnnxModel cached = CachedOnnxModel.Open(ModelFolder.Open(folder), s_float32, NoLimit);
        float worst = WorstDifference(cached, folder, states, longest, seed: 1, release: true);
        Assert.IsLessThanOrEqualTo(Tolerance, worst);
    }

    /// <summary>With room for no sequence, or for a few, others are encoded anew, and answers stay the same.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(64)]
    [DataRow(3 * 64)]
    public void Evaluate_LittleMemory_AnswersAsTheStatelessGraph(int tokens)
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest;
        HostKeyValueCache cache = NewCache(manifest);
        long bytes = 2L * manifest.Layers * manifest.ModelDimension * sizeof(float) * tokens;
        using CachedOnnxModel cached = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny), new ExecutionSettings(Device.Cpu), bytes, cache);
        Assert.IsLessThanOrEqualTo(Tolerance, WorstDifference(cached, Files.Tiny, 300, 64, seed: 2, release: true));
        Assert.AreEqual(tokens, cache.Layout.Slots * cache.Layout.Length, "The limit was not reached, or not kept.");
    }

    /// <summary>Sequences that nobody releases lose their places to others.</summary>
    [TestMethod]
    public void Evaluate_NothingIsEverReleased_AnswersAsTheStatelessGraph()
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest;
        using CachedOnnxModel cached = Open(Files.Tiny, 2L * manifest.Layers * manifest.ModelDimension * sizeof(float) * 64 * 9);
        Assert.IsLessThanOrEqualTo(Tolerance, WorstDifference(cached, Files.Tiny, 300, 64, seed: 3, release: false));
    }

    [TestMethod]
    public void Evaluate_LitterWhereNobodyWrote_AnswersAsTheStatelessGraph()
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest;
        var cache = new LitteredCache(NewCache(manifest), 2 * manifest.Layers, manifest.ModelDimension);
        using CachedOnnxModel cached = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny), new ExecutionSettings(Device.Cpu), NoLimit, cache);
        Assert.IsLessThanOrEqualTo(Tolerance, WorstDifference(cached, Files.Tiny, 300, 64, seed: 4, release: true));
    }

    /// <summary>Control: a cache that does not overwrite a rejected draft token is far off.</summary>
    [TestMethod]
    public void Evaluate_RejectedSlotNotOverwritten_Differs()
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest;
        Order order = Order.LeftToRight([true, false, false, false]);
        float[] Answer(IKeyValueCache cache)
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
            state.AddQuery(new Conditional(3, 3)); // by now the second draft token is read from the cache
            model.Evaluate([state], CancellationToken.None);
            return state.Logits.ToArray();
        }

        float[] right = Answer(NewCache(manifest)), wrong = Answer(new ForgetfulCache(NewCache(manifest)));
        Assert.IsGreaterThan(0.01f, Worst(right, wrong));
        using CachedOnnxModel forgetful = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny), new ExecutionSettings(Device.Cpu), NoLimit, new ForgetfulCache(NewCache(manifest)));
        Assert.IsGreaterThan(0.01f, WorstDifference(forgetful, Files.Tiny, 30, 64, seed: 1, release: true));
    }

    /// <summary>Row invariance: kernels give a row the same bits, whichever rows and sequences share the call, in every precision.</summary>
    [TestMethod]
    [DynamicData(nameof(Models))]
    [DynamicData(nameof(Precisions))]
    public void Evaluate_InABatch_GivesTheSameBitsAsAlone(string folder, int states, int longest)
    {
        using CachedOnnxModel together = Open(folder, NoLimit), alone = Open(folder, NoLimit);
        Assert.AreEqual(0, WorstOfTogetherAndAlone(together, together, alone, states / 4, longest));
    }

    /// <summary>Control: an activation scale that all rows of a call share, as DynamicQuantizeMatMul has it, moves a row by a last bit at least.</summary>
    [TestMethod]
    public void Evaluate_RowsThatShareAScale_Differ()
    {
        string folder = Files.InPrecision("int8");
        using CachedOnnxModel together = Open(folder, NoLimit), alone = Open(folder, NoLimit);
        Assert.IsGreaterThan(0, WorstOfTogetherAndAlone(new SharedScale(together), together, new SharedScale(alone), 30, 64));
    }

    private static float WorstOfTogetherAndAlone(IAnySubsetModel together, CachedOnnxModel first, IAnySubsetModel alone, int states, int longest)
    {
        var history = new RandomHistory(first, seed: 5, longest);
        history.Ended += together.Release;
        history.Ended += alone.Release;
        float worst = 0;
        for (int i = 0; i < states; i++)
        {
            SequenceState[] batch = history.Next();
            together.Evaluate(batch, CancellationToken.None);
            float[][] answers = [.. batch.Select(state => state.Logits.ToArray())];
            for (int j = 0; j < batch.Length; j++)
            {
                alone.Evaluate([batch[j]], CancellationToken.None);
                worst = Math.Max(worst, Worst(answers[j], batch[j].Logits.ToArray()));
            }
        }

        return worst;
    }

    private static float WorstDifference(CachedOnnxModel cached, string folder, int states, int longest, long seed, bool release)
    {
        using StatelessOnnxModel stateless = StatelessOnnxModel.Open(ModelFolder.Open(folder), s_float32);
        var history = new RandomHistory(cached, seed, longest);
        if (release)
            history.Ended += cached.Release;
        float worst = 0;
        for (int i = 0; i < states; i++)
        {
            SequenceState[] batch = history.Next();
            cached.Evaluate(batch, CancellationToken.None);
            float[][] answers = [.. batch.Select(state => state.Logits.ToArray())];
            stateless.Evaluate(batch, CancellationToken.None);
            for (int j = 0; j < batch.Length; j++)
                worst = Math.Max(worst, Worst(answers[j], batch[j].Logits.ToArray()));
        }

        return worst;
    }

    private static float Worst(float[] answers, float[] others)
    {
        float worst = 0;
        for (int i = 0; i < answers.Length; i++)
        {
            float difference = Math.Abs(answers[i] - others[i]);
            worst = float.IsNaN(difference) ? float.PositiveInfinity : Math.Max(worst, difference);
        }

        return worst;
    }

    private static CachedOnnxModel Open(string folder, long bytes) => CachedOnnxModel.Open(ModelFolder.Open(folder), maxCacheBytes: bytes);

    private static HostKeyValueCache NewCache(ModelManifest manifest) => new(2 * manifest.Layers, manifest.Heads, manifest.HeadSize);

    /// <summary>Rounds all logits of a call to 16 bits of the largest of them.</summary>
    private sealed class SharedScale(IAnySubsetModel model) : IAnySubsetModel
    {
        public int VocabularySize => model.VocabularySize;

        public int MaxLength => model.MaxLength;

        public void Release(SequenceState sequence) => model.Release(sequence);

        public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
        {
            model.Evaluate(states, cancellationToken);
            float largest = 0;
            foreach (SequenceState state in states)
                largest = Math.Max(largest, TensorPrimitives.MaxMagnitude<float>(state.Logits));
            float scale = Math.Abs(largest) / (1 << 15);
            foreach (SequenceState state in states)
            {
                for (int i = 0; i < state.Logits.Length; i++)
                    state.Logits[i] = MathF.Round(state.Logits[i] / scale) * scale;
            }
        }
    }
}
