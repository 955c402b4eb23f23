using AsArm.Assd.Distributions;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Exactness;

/// <summary>
/// Replays ten recorded runs of the official code. Its random outcomes are converted to random numbers, with which tokens, acceptances and NFE must
/// be the same.
/// </summary>
[TestClass]
public sealed class OfficialTraceTests
{
    private static readonly IReadOnlyList<OfficialTrace> s_traces = OfficialTrace.LoadAll();

    public static IEnumerable<string> All => s_traces.Select(trace => trace.Name);

    /// <summary>The runs of Algorithm 1 with one temperature. A tolerance of the ratio is reproduced by lowering the random numbers.</summary>
    public static IEnumerable<string> Algorithm1 =>
        s_traces.Where(trace => !trace.UsesNgrams && trace.OracleTemperature == trace.Temperature).Select(trace => trace.Name);

    [TestMethod]
    public void LoadAll_CommittedTraces_AreTenRuns()
    {
        Assert.HasCount(10, s_traces);
        Assert.AreEqual(7, Algorithm1.Count());
    }

    /// <summary>Rejection sampling on the recorded distributions, for all kinds of drafts.</summary>
    [TestMethod]
    [DynamicData(nameof(All))]
    public void RejectionSampling_OnRecordedDistributions_GivesTheRecordedTokens(string name)
    {
        OfficialTrace trace = Find(name);
        int[] tokens = [.. trace.Prompt];
        int committed = trace.Order.GivenCount, nfe = 0;
        foreach (OfficialTrace.Step step in trace.Steps)
        {
            Assert.AreEqual(committed, step.Committed);
            int[] outcome = Replay(trace, step, tokens);
            foreach (int token in outcome)
                tokens[trace.Order.Positions[committed++]] = token;
            // A draft pass unless n-grams drafted, and an oracle pass unless the draft token was the last target.
            bool single = step.DraftedByModel && step.DraftTokens.Length == 1;
            nfe += (step.DraftedByModel ? 1 : 0) + (single ? 0 : 1);
        }

        CollectionAssert.AreEqual(trace.Result, tokens);
        Assert.AreEqual(trace.Nfe, nfe);
    }

    /// <summary>The complete sampler on the exported network.</summary>
    [TestMethod]
    [DynamicData(nameof(Algorithm1))]
    public void AssdSampler_OnExportedNetwork_ReproducesTheRun(string name)
    {
        foreach (bool useCache in new[] { false, true })
        {
            using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(Files.Tiny), useCache: useCache);
            Repeat(Find(name), model);
        }
    }

    private static void Repeat(OfficialTrace trace, OnnxAnySubsetModel model)
    {
        var options = new SamplingOptions
        {
            DraftLength = trace.DraftLength,
            Temperature = trace.Temperature,
            BannedTokens = [OfficialTrace.MaskId],
        };
        var sampler = new AssdSampler(trace.Order, trace.Prompt, options, OfficialTrace.Vocabulary);
        var processor = new LogitsProcessor(options, OfficialTrace.Vocabulary);
        foreach (OfficialTrace.Step step in trace.Steps)
        {
            Assert.AreEqual(step.Committed, sampler.Committed);
            float[][] drafts = EvaluatePass(sampler, model, processor);
            Assert.HasCount(step.DraftTokens.Length, drafts);
            ProcessLogits(sampler, [.. step.DraftTokens.Select((token, i) => OfficialTrace.UniformFor(drafts[i], token))]);
            if (step.DraftTokens.Length == 1)
                continue;
            float[][] oracles = EvaluatePass(sampler, model, processor);
            List<double> random = [.. step.Random.Skip(1).Select(uniform => Math.Max(0, uniform - trace.RatioTolerance))];
            if (step.Resampled is int token)
            {
                int rejected = step.Accepted;
                float[] residual = [.. oracles[rejected - 1].Zip(drafts[rejected], (q, p) => Math.Max(q - p, 0))];
                random.Add(OfficialTrace.UniformFor(residual, token));
            }

            ProcessLogits(sampler, [.. random]);
        }

        Assert.IsTrue(sampler.IsDone);
        CollectionAssert.AreEqual(trace.Result, sampler.Tokens.ToArray());
        Assert.AreEqual(trace.Nfe, sampler.Statistics.Nfe);
        Assert.AreEqual(trace.Steps.Sum(step => step.Accepted), sampler.Statistics.Accepted);
        Assert.AreEqual(trace.Steps.Sum(step => step.DraftTokens.Length), sampler.Statistics.Drafted);
    }

    private static OfficialTrace Find(string name) => s_traces.Single(trace => trace.Name == name);

    private static int[] Replay(OfficialTrace trace, OfficialTrace.Step step, int[] tokens)
    {
        if (step.OracleLogits is null)
            return step.DraftTokens;
        var options = new SamplingOptions { Temperature = trace.OracleTemperature, BannedTokens = [OfficialTrace.MaskId] };
        var processor = new LogitsProcessor(options, OfficialTrace.Vocabulary);
        float[][] drafts = Drafts(trace, step, tokens);
        var committed = new List<int>();
        for (int i = 0; i < step.Random.Length; i++)
        {
            float[] draft = drafts[i], oracle = Row(step.OracleLogits, i);
            processor.ToProbabilities(oracle);
            int token = step.DraftTokens[i];
            if (RejectionSampling.Accepts(Math.Max(0, step.Random[i] - trace.RatioTolerance), draft[token], oracle[token]))
            {
                committed.Add(token);
                continue;
            }

            committed.Add(Replace(step, oracle, draft));
            break;
        }

        Assert.AreEqual(step.Accepted + (step.Resampled is null ? 0 : 1), committed.Count);
        return [.. committed];
    }

    private static int Replace(OfficialTrace.Step step, ReadOnlySpan<float> oracle, ReadOnlySpan<float> draft)
    {
        Assert.IsNotNull(step.Resampled, "A draft token was rejected that the official code accepted.");
        var residual = new float[OfficialTrace.Vocabulary];
        double uniform = OfficialTrace.UniformFor(step.Residual!, step.Resampled.Value);
        int token = RejectionSampling.Replace(oracle, draft, residual, uniform);
        float mass = residual.Sum();
        for (int i = 0; i < residual.Length; i++)
            Assert.AreEqual(step.Residual![i], residual[i] / mass, 1e-3f);
        return token;
    }

    private static float[][] Drafts(OfficialTrace trace, OfficialTrace.Step step, int[] tokens)
    {
        if (step.DraftedByModel)
            return [.. step.DraftTokens.Select((_, i) => Row(step.DraftProbabilities!, i))];
        var known = new bool[tokens.Length];
        foreach (int position in trace.Order.Positions[..step.Committed])
            known[position] = true;
        ReadOnlySpan<int> targets = trace.Order.Positions.Slice(step.Committed, step.DraftTokens.Length);
        return NgramDraft.Probabilities([.. tokens], known, targets, step.DraftTokens);
    }

    private static float[] Row(float[] rows, int index) => rows[(index * OfficialTrace.Vocabulary)..((index + 1) * OfficialTrace.Vocabulary)];

    private static float[][] EvaluatePass(Sampler sampler, OnnxAnySubsetModel model, LogitsProcessor processor)
    {
        sampler.Prepare(new ScriptedRandom()); // Algorithm 1 draws nothing before a pass
        model.Evaluate([sampler.State], CancellationToken.None);
        var rows = new float[sampler.State.Conditionals.Length][];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = sampler.State.Row(i).ToArray();
            processor.ToProbabilities(rows[i]);
        }

        return rows;
    }

    private static void ProcessLogits(Sampler sampler, double[] values)
    {
        var random = new ScriptedRandom(values);
        sampler.ProcessLogits(random);
        Assert.AreEqual(0, random.Left, "The official code verified more draft tokens.");
    }
}
