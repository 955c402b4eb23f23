using AsArm.Assd;
using AsArm.Inference;

namespace AsArm.Cli;

/// <summary>What one sampler did on the texts of one kind; every observation is a text and a seed, or a whole batch.</summary>
internal sealed class BenchTally
{
    private readonly List<(double Tokens, double Calls, double Milliseconds)> _observations = [];

    public double Tokens => _observations.Sum(one => one.Tokens);

    public double Calls => _observations.Sum(one => one.Calls);

    public double Milliseconds => _observations.Sum(one => one.Milliseconds);

    public double Rows { get; private set; }

    public int Drafted { get; private set; }

    public int Accepted { get; private set; }

    /// <summary>Proposals by source, where the sampler tells.</summary>
    public Dictionary<DraftSource, DraftCounts> Drafts { get; } = [];

    public double TokensPerCall => Tokens / Calls;

    public double MillisecondsPerToken => Milliseconds / Tokens;

    public void Add(IReadOnlyList<InfillResult> results, TimeSpan time)
    {
        SamplingStatistics[] sequences = [.. results.Select(result => result.Statistics)];
        _observations.Add((sequences.Sum(one => one.Generated), sequences.Sum(one => one.Nfe), time.TotalMilliseconds));
        Rows += sequences.Sum(one => one.ContentRows + one.QueryRows);
        Drafted += sequences.Sum(one => one.Drafted);
        Accepted += sequences.Sum(one => one.Accepted);
        foreach ((DraftSource source, DraftCounts more) in results.SelectMany(result => result.Drafts))
        {
            DraftCounts sum = Drafts.GetValueOrDefault(source);
            Drafts[source] = new(sum.Drawn + more.Drawn, sum.Examined + more.Examined, sum.Kept + more.Kept);
        }
    }

    /// <summary>Tokens per call of this one over those of another, with the half-width of a 95 % interval.</summary>
    public (double Ratio, double Error) TokensPerCallOver(BenchTally other) =>
        Ratio([.. Pairs(other).Select(pair => (pair.Other.Calls, pair.Own.Calls))]);

    /// <summary>Time of another one over the time of this, likewise: above 1 this one is faster.</summary>
    public (double Ratio, double Error) SpeedOver(BenchTally other) =>
        Ratio([.. Pairs(other).Select(pair => (pair.Other.Milliseconds, pair.Own.Milliseconds))]);

    /// <summary>The same texts and seeds: the same tokens were generated.</summary>
    private IEnumerable<((double Tokens, double Calls, double Milliseconds) Own, (double Tokens, double Calls, double Milliseconds) Other)> Pairs(BenchTally other) =>
        _observations.Zip(other._observations);

    /// <summary>A ratio of sums over paired observations, its error by linearisation.</summary>
    private static (double Ratio, double Error) Ratio((double Above, double Below)[] pairs)
    {
        double above = pairs.Sum(pair => pair.Above), below = pairs.Sum(pair => pair.Below), ratio = above / below;
        double squares = pairs.Sum(pair => Math.Pow(pair.Above - ratio * pair.Below, 2));
        int count = pairs.Length;
        return (ratio, count < 2 ? double.NaN : 1.96 * Math.Sqrt(squares * count / (count - 1)) / below);
    }
}
