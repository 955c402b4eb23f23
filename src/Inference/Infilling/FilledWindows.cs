using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;

namespace AsArm.Inference.Infilling;

/// <summary>The results of the filled windows of a text. Statistics are sums over them.</summary>
internal sealed class FilledWindows
{
    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product];

    private readonly List<string> _gaps = [];
    private readonly List<FilledSequence> _sequences = [];
    private readonly Dictionary<DraftSource, DraftCounts> _drafts = [];
    private SamplingStatistics _statistics;

    /// <summary>Adds a window that has been filled.</summary>
    /// <param name="sampler">The sampler that filled it.</param>
    /// <param name="gaps">The texts of its gaps.</param>
    /// <param name="sequence">Its tokens.</param>
    public void Add(Sampler sampler, string[] gaps, FilledSequence sequence)
    {
        _statistics = StatisticsWith(sampler);
        _gaps.AddRange(gaps);
        _sequences.Add(sequence);
        if (sampler is not FusedSampler fused)
            return;
        foreach (DraftSource source in s_sources)
            _drafts[source] = _drafts.GetValueOrDefault(source) + fused.Counts(source);
    }

    /// <summary>The statistics of all filled windows and of the current one.</summary>
    /// <param name="sampler">The sampler of the current window; null if there is none.</param>
    public SamplingStatistics StatisticsWith(Sampler? sampler)
    {
        if (sampler is null)
            return _statistics;
        (SamplingStatistics sum, SamplingStatistics counts) = (_statistics, sampler.Statistics);
        return new SamplingStatistics(
            sum.Generated + counts.Generated, sum.Nfe + counts.Nfe, sum.Drafted + counts.Drafted, sum.Accepted + counts.Accepted,
            sum.ContentTokens + counts.ContentTokens, sum.QueryTokens + counts.QueryTokens, sum.LogProbability + counts.LogProbability);
    }

    /// <summary>The result over all windows.</summary>
    public InfillResult Result(string text, long seed, TimeSpan elapsed) => new(text, [.. _gaps], _statistics, seed, elapsed)
    {
        Drafts = _drafts,
        Sequences = _sequences,
    };
}
