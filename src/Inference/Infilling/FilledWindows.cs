using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;

namespace AsArm.Inference.Infilling;

/// <summary>What became of the windows of a text so far; figures are sums over them.</summary>
internal sealed class FilledWindows
{
    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product];

    private readonly List<string> _gaps = [];
    private readonly List<FilledSequence> _sequences = [];
    private readonly Dictionary<DraftSource, DraftCounts> _drafts = [];
    private SamplingStatistics _statistics;

    /// <summary>Adds a window that is done.</summary>
    /// <param name="sampler">The one that filled it.</param>
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
        {
            (DraftCounts sum, DraftCounts counts) = (_drafts.GetValueOrDefault(source), fused.Counts(source));
            _drafts[source] = new DraftCounts(sum.Drafted + counts.Drafted, sum.Verified + counts.Verified, sum.Accepted + counts.Accepted);
        }
    }

    /// <summary>The figures of all windows that are done and of the one under way, if there is one.</summary>
    public SamplingStatistics StatisticsWith(Sampler? sampler)
    {
        if (sampler is null)
            return _statistics;
        (SamplingStatistics sum, SamplingStatistics counts) = (_statistics, sampler.Statistics);
        return new SamplingStatistics(
            sum.Generated + counts.Generated, sum.Nfe + counts.Nfe, sum.Drafted + counts.Drafted, sum.Accepted + counts.Accepted,
            sum.ContentTokens + counts.ContentTokens, sum.QueryTokens + counts.QueryTokens, sum.LogProbability + counts.LogProbability);
    }

    /// <summary>All windows together.</summary>
    public InfillResult Result(string text, long seed, TimeSpan elapsed) => new(text, [.. _gaps], _statistics, seed, elapsed)
    {
        Drafts = _drafts,
        Sequences = _sequences,
    };
}
