using AsArm.Assd;
using AsArm.Inference;

namespace AsArm.Cli;

/// <summary>What one sampler did on the texts of one kind; an observation is a text, or a batch, with all its seeds.</summary>
internal sealed class BenchTally
{
    private const double Student = 2.365; // 97.5 % of Student's t with 7 degrees of freedom: eight texts
    private readonly SortedDictionary<int, (double Tokens, double Calls, double Milliseconds)> _observations = [];

    public double Tokens => _observations.Values.Sum(one => one.Tokens);

    /// <summary>Of all sequences: a call of a batch counts for each.</summary>
    public double Calls => _observations.Values.Sum(one => one.Calls);

    public double Milliseconds => _observations.Values.Sum(one => one.Milliseconds);

    public double Rows { get; private set; }

    public int Drafted { get; private set; }

    public int Accepted { get; private set; }

    /// <summary>Proposals by source, where the sampler tells.</summary>
    public Dictionary<DraftSource, DraftCounts> Drafts { get; } = [];

    public double TokensPerCall => Tokens / Calls;

    public double MillisecondsPerToken => Milliseconds / Tokens;

    /// <summary>Adds what was done with one seed.</summary>
    /// <param name="text">The text, or the first of the batch.</param>
    /// <param name="results">The texts filled.</param>
    /// <param name="time">The time of all of them.</param>
    public void Add(int text, IReadOnlyList<InfillResult> results, TimeSpan time)
    {
        SamplingStatistics[] sequences = [.. results.Select(result => result.Statistics)];
        (double tokens, double calls, double milliseconds) = _observations.GetValueOrDefault(text);
        _observations[text] = (tokens + sequences.Sum(one => one.Generated), calls + sequences.Sum(one => one.Nfe), milliseconds + time.TotalMilliseconds);
        Rows += sequences.Sum(one => one.ContentRows + one.QueryRows);
        Drafted += sequences.Sum(one => one.Drafted);
        Accepted += sequences.Sum(one => one.Accepted);
        foreach ((DraftSource source, DraftCounts more) in results.SelectMany(result => result.Drafts))
        {
            DraftCounts sum = Drafts.GetValueOrDefault(source);
            Drafts[source] = new(sum.Drawn + more.Drawn, sum.Examined + more.Examined, sum.Kept + more.Kept);
        }
    }

    /// <summary>Tokens per call of this one over those of another, with the half-width of a 95 % interval over texts.</summary>
    public (double Ratio, double Error) TokensPerCallOver(BenchTally other) =>
        Ratio([.. Pairs(other).Select(pair => (pair.Other.Calls, pair.Own.Calls))]);

    /// <summary>Time of another one over the time of this, likewise: above 1 this one is faster.</summary>
    public (double Ratio, double Error) SpeedOver(BenchTally other) =>
        Ratio([.. Pairs(other).Select(pair => (pair.Other.Milliseconds, pair.Own.Milliseconds))]);

    /// <summary>The same texts and seeds: as many tokens were generated.</summary>
    private IEnumerable<((double Tokens, double Calls, double Milliseconds) Own, (double Tokens, double Calls, double Milliseconds) Other)> Pairs(BenchTally other) =>
        _observations.Values.Zip(other._observations.Values);

    /// <summary>A ratio of sums over paired observations, its error by linearisation; none for a single batch.</summary>
    private static (double Ratio, double Error) Ratio((double Above, double Below)[] pairs)
    {
        double above = pairs.Sum(pair => pair.Above), below = pairs.Sum(pair => pair.Below), ratio = above / below;
        double squares = pairs.Sum(pair => Math.Pow(pair.Above - ratio * pair.Below, 2));
        int count = pairs.Length;
        return (ratio, count < 2 ? double.NaN : Student * Math.Sqrt(squares * count / (count - 1)) / below);
    }
}
