using AsArm.Assd.Distributions;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Exactness;

/// <summary>
/// Ten recorded runs of the official code. Its random outcomes become random numbers, so that the same tokens, acceptances and number of
/// calls must come out.
/// </summary>
[TestClass]
public sealed class OfficialTraceTests
{
    private static readonly IReadOnlyList<OfficialTrace> s_traces = OfficialTrace.LoadAll();

    public static IEnumerable<string> All => s_traces.Select(trace => trace.Name);

    /// <summary>Those that run Algorithm 1 at one temperature; a tolerance on the ratio can be had by lowering the random numbers.</summary>
    public static IEnumerable<string> Algorithm1 =>
        s_traces.Where(trace => !trace.UsesNgrams && trace.OracleTemperature == trace.Temperature).Select(trace => trace.Name);

    [TestMethod]
    public void LoadAll_FindsTenRuns()
    {
        Assert.HasCount(10, s_traces);
        Assert.AreEqual(7, Algorithm1.Count());
    }

    /// <summary>The rejection maths on the recorded distributions, whatever drew the drafts.</summary>
    [TestMethod]
    [DynamicData(nameof(All))]
    public void RejectionSampling_OnRecordedDistributions_DecidesTheSame(string name)
    {
        OfficialTrace trace = Find(name);
        int[] tokens = [.. trace.Prompt];
        int committed = trace.Order.GivenCount, states = 0;
        foreach (OfficialTrace.Round round in trace.Rounds)
        {
            Assert.AreEqual(committed, round.Committed);
            int[] outcome = Replay(trace, round, tokens);
            foreach (int token in outcome)
                tokens[trace.Order.Positions[committed++]] = token;
            // A drafting call unless n-grams drafted, and an oracle unless the drafted token was the last one.
            bool single = round.DraftedByModel && round.DraftTokens.Length == 1;
            states += (round.DraftedByModel ? 1 : 0) + (single ? 0 : 1);
        }

        CollectionAssert.AreEqual(trace.Result, tokens);
        Assert.AreEqual(trace.Nfe, states);
    }

    /// <summary>The whole sampler on the exported network.</summary>
    [TestMethod]
    [DynamicData(nameof(Algorithm1))]
    public void AssdSampler_OnExportedNetwork_RepeatsTheRun(string name)
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
        var distribution = new LogitsProcessor(options, OfficialTrace.Vocabulary);
        foreach (OfficialTrace.Round round in trace.Rounds)
        {
            Assert.AreEqual(round.Committed, sampler.Committed);
            float[][] drafts = State(sampler, model, distribution);
            Assert.HasCount(round.DraftTokens.Length, drafts);
            Take(sampler, [.. round.DraftTokens.Select((token, i) => OfficialTrace.UniformFor(drafts[i], token))]);
            if (round.DraftTokens.Length == 1)
                continue;
            float[][] oracles = State(sampler, model, distribution);
            List<double> random = [.. round.Random.Skip(1).Select(uniform => Math.Max(0, uniform - trace.RatioTolerance))];
            if (round.Resampled is int token)
            {
                int rejected = round.Accepted;
                float[] residual = [.. oracles[rejected - 1].Zip(drafts[rejected], (q, p) => Math.Max(q - p, 0))];
                random.Add(OfficialTrace.UniformFor(residual, token));
            }

            Take(sampler, [.. random]);
        }

        Assert.IsTrue(sampler.IsDone);
        CollectionAssert.AreEqual(trace.Result, sampler.Tokens.ToArray());
        Assert.AreEqual(trace.Nfe, sampler.Statistics.Nfe);
        Assert.AreEqual(trace.Rounds.Sum(round => round.Accepted), sampler.Statistics.Accepted);
        Assert.AreEqual(trace.Rounds.Sum(round => round.DraftTokens.Length), sampler.Statistics.Drafted);
    }

    private static OfficialTrace Find(string name) => s_traces.Single(trace => trace.Name == name);

    private static int[] Replay(OfficialTrace trace, OfficialTrace.Round round, int[] tokens)
    {
        if (round.OracleLogits is null)
            return round.DraftTokens;
        var options = new SamplingOptions { Temperature = trace.OracleTemperature, BannedTokens = [OfficialTrace.MaskId] };
        var distribution = new LogitsProcessor(options, OfficialTrace.Vocabulary);
        float[][] drafts = Drafts(trace, round, tokens);
        var committed = new List<int>();
        for (int i = 0; i < round.Random.Length; i++)
        {
            float[] draft = drafts[i], oracle = Row(round.OracleLogits, i);
            distribution.ToProbabilities(oracle);
            int token = round.DraftTokens[i];
            if (RejectionSampling.Accepts(Math.Max(0, round.Random[i] - trace.RatioTolerance), draft[token], oracle[token]))
            {
                committed.Add(token);
                continue;
            }

            committed.Add(Replace(round, oracle, draft));
            break;
        }

        Assert.AreEqual(round.Accepted + (round.Resampled is null ? 0 : 1), committed.Count);
        return [.. committed];
    }

    private static int Replace(OfficialTrace.Round round, ReadOnlySpan<float> oracle, ReadOnlySpan<float> draft)
    {
        Assert.IsNotNull(round.Resampled, "A draft token was rejected that the official code kept.");
        var residual = new float[OfficialTrace.Vocabulary];
        double uniform = OfficialTrace.UniformFor(round.Residual!, round.Resampled.Value);
        int token = RejectionSampling.Replace(oracle, draft, residual, uniform);
        float mass = residual.Sum();
        for (int i = 0; i < residual.Length; i++)
            Assert.AreEqual(round.Residual![i], residual[i] / mass, 1e-3f);
        return token;
    }

    private static float[][] Drafts(OfficialTrace trace, OfficialTrace.Round round, int[] tokens)
    {
        if (round.DraftedByModel)
            return [.. round.DraftTokens.Select((_, i) => Row(round.DraftProbabilities!, i))];
        var known = new bool[tokens.Length];
        foreach (int position in trace.Order.Positions[..round.Committed])
            known[position] = true;
        ReadOnlySpan<int> targets = trace.Order.Positions.Slice(round.Committed, round.DraftTokens.Length);
        return NgramDraft.Probabilities([.. tokens], known, targets, round.DraftTokens);
    }

    private static float[] Row(float[] rows, int index) => rows[(index * OfficialTrace.Vocabulary)..((index + 1) * OfficialTrace.Vocabulary)];

    private static float[][] State(Sampler sampler, OnnxAnySubsetModel model, LogitsProcessor distribution)
    {
        sampler.Prepare(new ScriptedRandom()); // Algorithm 1 draws nothing before a call
        model.Evaluate([sampler.State], CancellationToken.None);
        var rows = new float[sampler.State.Conditionals.Length][];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = sampler.State.Row(i).ToArray();
            distribution.ToProbabilities(rows[i]);
        }

        return rows;
    }

    private static void Take(Sampler sampler, double[] values)
    {
        var random = new ScriptedRandom(values);
        sampler.ProcessLogits(random);
        Assert.AreEqual(0, random.Left, "The official code examined more draft tokens.");
    }
}
