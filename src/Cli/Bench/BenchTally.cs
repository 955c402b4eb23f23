using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Bench;

/// <summary>What one sampler did on the texts of one kind; an observation is a text, or a batch, with all its seeds.</summary>
internal sealed class BenchTally
{
    private readonly SortedDictionary<int, (double Tokens, double Calls, double Milliseconds)> _observations = [];

    public double Tokens => _observations.Values.Sum(one => one.Tokens);

    /// <summary>Of all sequences: a call of a batch counts for each.</summary>
    public double Calls => _observations.Values.Sum(one => one.Calls);

    public double Milliseconds => _observations.Values.Sum(one => one.Milliseconds);

    public double Rows { get; private set; }

    public int Drafted { get; private set; }

    public int Accepted { get; private set; }

    /// <summary>Draft tokens by source, where the sampler tells.</summary>
    public Dictionary<DraftSource, DraftCounts> Drafts { get; } = [];

    public double TokensPerForwardPass => Tokens / Calls;

    public double MillisecondsPerToken => Milliseconds / Tokens;

    /// <summary>Adds what was done with one seed.</summary>
    /// <param name="text">The text, or the first of the batch.</param>
    /// <param name="results">The texts filled.</param>
    /// <param name="time">The time of all of them.</param>
    public void Add(int text, IReadOnlyList<InfillResult> results, TimeSpan time)
    {
        SamplingStatistics[] sequences = [.. results.Select(result => result.Statistics)];
        (double tokens, double states, double milliseconds) = _observations.GetValueOrDefault(text);
        _observations[text] = (tokens + sequences.Sum(one => one.Generated), states + sequences.Sum(one => one.Nfe), milliseconds + time.TotalMilliseconds);
        Rows += sequences.Sum(one => one.ContentTokens + one.QueryTokens);
        Drafted += sequences.Sum(one => one.Drafted);
        Accepted += sequences.Sum(one => one.Accepted);
        foreach ((DraftSource source, DraftCounts more) in results.SelectMany(result => result.Drafts))
        {
            DraftCounts sum = Drafts.GetValueOrDefault(source);
            Drafts[source] = new(sum.Drafted + more.Drafted, sum.Verified + more.Verified, sum.Accepted + more.Accepted);
        }
    }

    /// <summary>Tokens per call of this one over those of another, with a 95 % interval over texts.</summary>
    public PairedRatio TokensPerForwardPassOver(BenchTally other) => Over(other, one => (one.Tokens, one.Calls));

    /// <summary>Tokens per time of this one over those of another, likewise: above 1 this one is faster.</summary>
    public PairedRatio SpeedOver(BenchTally other) => Over(other, one => (one.Tokens, one.Milliseconds));

    /// <summary>Paired by text, as some texts are harder than others.</summary>
    private PairedRatio Over(BenchTally other, Func<(double Tokens, double Calls, double Milliseconds), (double Above, double Below)> rate) =>
        PairedRatio.Of([.. _observations.Values.Zip(other._observations.Values, (own, its) => (rate(own), rate(its)))]);
}
