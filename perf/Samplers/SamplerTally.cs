using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Cli.Bench;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>What one sampler did on the texts of one kind.</summary>
internal sealed class SamplerTally
{
    private readonly List<Observation> _observations = [];
    private readonly Dictionary<DraftSource, DraftCounts> _counts = [];
    private double _rows;
    private int _drafted;
    private int _accepted;

    public int Calls => _observations.Sum(one => one.Calls);

    public double TokensPerForwardPass => (double)_observations.Sum(one => one.Tokens) / Calls;

    public double MillisecondsPerToken => _observations.Sum(one => one.Milliseconds) / _observations.Sum(one => one.Tokens);

    /// <summary>Of the tokens that the first call left; NaN if it left none.</summary>
    public double LaterMillisecondsPerToken => _observations.Sum(one => one.LaterMilliseconds) / _observations.Sum(one => one.LaterTokens);

    /// <summary>Draft tokens kept of those drawn; NaN without any.</summary>
    public double AcceptedOfDrafted => (double)_accepted / _drafted;

    /// <summary>Content and query tokens of a call of one sequence, its given tokens aside.</summary>
    public double ProcessedPerForwardPass => _rows / Calls;

    /// <summary>Takes an observation and the results that it was made of.</summary>
    public void Add(Observation observation, IEnumerable<InfillResult> results)
    {
        _observations.Add(observation);
        foreach (InfillResult result in results)
        {
            SamplingStatistics statistics = result.Statistics;
            _rows += statistics.ContentTokens + statistics.QueryTokens;
            _drafted += statistics.Drafted;
            _accepted += statistics.Accepted;
            foreach ((DraftSource source, DraftCounts more) in result.Drafts)
            {
                DraftCounts before = Counts(source);
                _counts[source] = new(before.Drafted + more.Drafted, before.Verified + more.Verified, before.Accepted + more.Accepted);
            }
        }
    }

    /// <summary>What became of the draft tokens of a source, as far as the sampler tells.</summary>
    public DraftCounts Counts(DraftSource source) => _counts.GetValueOrDefault(source);

    /// <summary>Milliseconds per token after the first call if calls cost what a curve says; NaN if the first call left none.</summary>
    public double MillisecondsPerTokenAt(CostCurve curve) => _observations.Sum(curve.CostOf) / _observations.Sum(one => one.LaterTokens);

    /// <summary>Tokens per call over those of another sampler, on the same texts with the same seeds.</summary>
    public PairedRatio TokensPerForwardPassOver(SamplerTally other) => Over(other, one => (one.Tokens, one.Calls));

    /// <summary>Time per token of another sampler over that of this one: above 1 this one is faster.</summary>
    public PairedRatio SpeedOver(SamplerTally other) => Over(other, one => (one.Tokens, one.Milliseconds));

    /// <summary>The same after the first call.</summary>
    public PairedRatio LaterSpeedOver(SamplerTally other) => Over(other, one => (one.LaterTokens, one.LaterMilliseconds));

    /// <summary>The same after the first call if calls cost what a curve says.</summary>
    public PairedRatio SpeedOver(SamplerTally other, CostCurve curve) => Over(other, one => (one.LaterTokens, curve.CostOf(one)));

    private PairedRatio Over(SamplerTally other, Func<Observation, (double Above, double Below)> rate) =>
        PairedRatio.Of([.. _observations.Zip(other._observations, (own, its) => (rate(own), rate(its)))]);
}
