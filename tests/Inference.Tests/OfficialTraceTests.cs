using AsArm.Assd;
using AsArm.Assd.Tests;

namespace AsArm.Inference.Tests;

/// <summary>
/// Ten recorded runs of the official code. Its random outcomes become coins, so that the same tokens, acceptances and number of
/// calls must come out.
/// </summary>
[TestClass]
public sealed class OfficialTraceTests
{
    private static readonly IReadOnlyList<OfficialTrace> s_traces = OfficialTrace.LoadAll();

    public static IEnumerable<string> All => s_traces.Select(trace => trace.Name);

    /// <summary>Those that run Algorithm 1 at one temperature; a tolerance on the ratio can be had by lowering the coins.</summary>
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
        int decided = trace.Order.GivenCount, calls = 0;
        foreach (OfficialTrace.Round round in trace.Rounds)
        {
            Assert.AreEqual(decided, round.Decided);
            int[] outcome = Replay(trace, round, tokens);
            foreach (int token in outcome)
                tokens[trace.Order.Positions[decided++]] = token;
            // A drafting call unless n-grams drafted, and an oracle unless the drafted token was the last one.
            bool single = round.DraftedByModel && round.Proposals.Length == 1;
            calls += (round.DraftedByModel ? 1 : 0) + (single ? 0 : 1);
        }

        CollectionAssert.AreEqual(trace.Result, tokens);
        Assert.AreEqual(trace.Nfe, calls);
    }

    /// <summary>The whole sampler on the exported network.</summary>
    [TestMethod]
    [DynamicData(nameof(Algorithm1))]
    public void AssdSampler_OnExportedNetwork_RepeatsTheRun(string name)
    {
        foreach (bool useCache in new[] { false, true })
        {
            using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Tiny), useCache: useCache);
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
        var law = new SamplingLaw(options, OfficialTrace.Vocabulary);
        foreach (OfficialTrace.Round round in trace.Rounds)
        {
            Assert.AreEqual(round.Decided, sampler.Decided);
            float[][] drafts = Call(sampler, model, law);
            Assert.HasCount(round.Proposals.Length, drafts);
            Take(sampler, [.. round.Proposals.Select((token, i) => OfficialTrace.CoinFor(drafts[i], token))]);
            if (round.Proposals.Length == 1)
                continue;
            float[][] oracles = Call(sampler, model, law);
            List<double> coins = [.. round.Coins.Skip(1).Select(coin => Math.Max(0, coin - trace.RatioTolerance))];
            if (round.Resampled is int token)
            {
                int rejected = round.Accepted;
                float[] residual = [.. oracles[rejected - 1].Zip(drafts[rejected], (q, p) => Math.Max(q - p, 0))];
                coins.Add(OfficialTrace.CoinFor(residual, token));
            }

            Take(sampler, [.. coins]);
        }

        Assert.IsTrue(sampler.IsDone);
        CollectionAssert.AreEqual(trace.Result, sampler.Tokens.ToArray());
        Assert.AreEqual(trace.Nfe, sampler.Statistics.Nfe);
        Assert.AreEqual(trace.Rounds.Sum(round => round.Accepted), sampler.Statistics.Accepted);
        Assert.AreEqual(trace.Rounds.Sum(round => round.Proposals.Length), sampler.Statistics.Drafted);
    }

    private static OfficialTrace Find(string name) => s_traces.Single(trace => trace.Name == name);

    private static int[] Replay(OfficialTrace trace, OfficialTrace.Round round, int[] tokens)
    {
        if (round.OracleLogits is null)
            return round.Proposals;
        var options = new SamplingOptions { Temperature = trace.OracleTemperature, BannedTokens = [OfficialTrace.MaskId] };
        var law = new SamplingLaw(options, OfficialTrace.Vocabulary);
        float[][] drafts = Drafts(trace, round, tokens);
        var decided = new List<int>();
        for (int i = 0; i < round.Coins.Length; i++)
        {
            float[] draft = drafts[i], oracle = Row(round.OracleLogits, i);
            law.ToProbabilities(oracle);
            int token = round.Proposals[i];
            if (RejectionSampling.Accepts(Math.Max(0, round.Coins[i] - trace.RatioTolerance), draft[token], oracle[token]))
            {
                decided.Add(token);
                continue;
            }

            decided.Add(Replace(round, oracle, draft));
            break;
        }

        Assert.AreEqual(round.Accepted + (round.Resampled is null ? 0 : 1), decided.Count);
        return [.. decided];
    }

    private static int Replace(OfficialTrace.Round round, ReadOnlySpan<float> oracle, ReadOnlySpan<float> draft)
    {
        Assert.IsNotNull(round.Resampled, "A proposal was rejected that the official code kept.");
        var residual = new float[OfficialTrace.Vocabulary];
        double coin = OfficialTrace.CoinFor(round.Residual!, round.Resampled.Value);
        int token = RejectionSampling.Replace(oracle, draft, residual, coin);
        float mass = residual.Sum();
        for (int i = 0; i < residual.Length; i++)
            Assert.AreEqual(round.Residual![i], residual[i] / mass, 1e-3f);
        return token;
    }

    private static float[][] Drafts(OfficialTrace trace, OfficialTrace.Round round, int[] tokens)
    {
        if (round.DraftedByModel)
            return [.. round.Proposals.Select((_, i) => Row(round.DraftProbabilities!, i))];
        var known = new bool[tokens.Length];
        foreach (int position in trace.Order.Positions[..round.Decided])
            known[position] = true;
        ReadOnlySpan<int> targets = trace.Order.Positions.Slice(round.Decided, round.Proposals.Length);
        return NgramDraft.Probabilities([.. tokens], known, targets, round.Proposals);
    }

    private static float[] Row(float[] rows, int index) => rows[(index * OfficialTrace.Vocabulary)..((index + 1) * OfficialTrace.Vocabulary)];

    private static float[][] Call(Sampler sampler, OnnxAnySubsetModel model, SamplingLaw law)
    {
        sampler.Plan(new ScriptedCoins()); // Algorithm 1 draws nothing before a call
        model.Evaluate([sampler.Call], CancellationToken.None);
        var rows = new float[sampler.Call.Conditionals.Length][];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = sampler.Call.Row(i).ToArray();
            law.ToProbabilities(rows[i]);
        }

        return rows;
    }

    private static void Take(Sampler sampler, double[] values)
    {
        var coins = new ScriptedCoins(values);
        sampler.Take(coins);
        Assert.AreEqual(0, coins.Left, "The official code examined more proposals.");
    }
}
