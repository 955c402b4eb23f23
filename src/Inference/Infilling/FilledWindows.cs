using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>The results of the filled windows of a text. Statistics are sums over them.</summary>
/// <param name="accuracy">Whether the fillings are samples of the distribution of the model.</param>
internal sealed class FilledWindows(GapAccuracy accuracy)
{
    private readonly List<InfilledGap> _gaps = [];
    private readonly List<FilledSequence> _sequences = [];
    private readonly Dictionary<DraftSource, DraftCounts> _drafts = [];
    private SamplingStatistics _statistics;

    /// <summary>The statistics of all filled windows.</summary>
    public SamplingStatistics Statistics => _statistics;

    /// <summary>Adds a window that has been filled.</summary>
    /// <param name="sequence">Its tokens.</param>
    /// <param name="text">Its text.</param>
    /// <param name="start">Where it begins in the whole text.</param>
    /// <returns>The texts of its gaps.</returns>
    public string[] Add(FilledSequence sequence, InfillText text, int start)
    {
        int rank = _statistics.Generated;
        _sequences.Add(sequence);
        _statistics = Sum(_statistics, sequence.Statistics);
        foreach ((DraftSource source, DraftCounts counts) in sequence.Drafts)
            _drafts[source] = _drafts.GetValueOrDefault(source) + counts;
        var scores = new (double, int)[sequence.Tokens.Length];
        for (int i = 0; i < sequence.LogProbabilities.Length; i++)
            scores[sequence.Order.Positions[sequence.Order.GivenCount + i]] = (sequence.LogProbabilities[i], rank + i);
        var committed = new bool[sequence.Tokens.Length];
        Array.Fill(committed, true);
        string[] gaps = text.DecodeGaps(sequence.Tokens, committed);
        int[] starts = text.GapStarts(gaps);
        IReadOnlyList<TokenScore>[] tokens = text.TargetTokens(sequence.Tokens, scores);
        for (int i = 0; i < gaps.Length; i++)
            _gaps.Add(new InfilledGap(gaps[i], start + starts[i], TokenScore.WithEntropies(tokens[i], sequence.Entropies, rank)) { Accuracy = accuracy });
        return gaps;
    }

    /// <summary>The statistics of all filled windows and of the current one.</summary>
    /// <param name="sampler">The sampler of the current window; null if there is none.</param>
    public SamplingStatistics StatisticsWith(Sampler? sampler) => sampler is null ? _statistics : Sum(_statistics, sampler.Statistics);

    /// <summary>The result over all windows.</summary>
    public InfillResult Result(string text, long seed, TimeSpan elapsed) => new(text, [.. _gaps], _statistics, seed, elapsed)
    {
        Drafts = _drafts,
        Sequences = _sequences,
        Usage = new TokenUsage(_sequences.Sum(sequence => sequence.Order.GivenCount), _statistics.Generated),
    };

    /// <summary>Adds up counts and log-probabilities.</summary>
    public static SamplingStatistics Sum(SamplingStatistics one, SamplingStatistics other) => new(
        one.Generated + other.Generated, one.Nfe + other.Nfe, one.Drafted + other.Drafted, one.Accepted + other.Accepted,
        one.ContentTokens + other.ContentTokens, one.QueryTokens + other.QueryTokens, one.LogProbability + other.LogProbability);
}
