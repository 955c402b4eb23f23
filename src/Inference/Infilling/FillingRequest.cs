using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A request for the most probable fillings of gaps, each given the text and without the other gaps.</summary>
internal sealed class FillingRequest(
    IReadOnlyList<TextSegment> segments, string? warning, Func<CandidateOptions> getOptions, SegmentEncoder encoder, InfillSetting setting)
{
    private InfillText? _text;
    private BeamSearch[] _searches = [];
    private int _count;

    /// <summary>Validates and encodes it.</summary>
    public StepJob Prepare()
    {
        CandidateOptions options = getOptions();
        options.RequireRanges(setting.Manifest.VocabularySize);
        InfillText.RequireTargets(segments, spans: false, warning);
        GapSupport.RequirePlain(segments, "for candidates");
        bool isSearched = segments.OfType<TextSegment.Gap>().Any(gap => gap.Count > 1);
        if (isSearched && options.Count > CandidateOptions.MaxBeams)
            throw new ArgumentOutOfRangeException(nameof(options), options.Count, $"Count must be at most {CandidateOptions.MaxBeams} where a gap has several tokens.");
        _text = encoder.Encode(segments);
        _count = options.Count;
        SamplingOptions distribution = options with { BannedTokens = [.. setting.Banned.Union(options.BannedTokens)], BannedTokensAt = _text.BannedAt };
        InfillOptions.RequireTokensAt(distribution, setting.Manifest.VocabularySize);
        int beams = Math.Max(options.Count, options.Beams);
        _searches = [.. _text.TargetPositions.Select(gap => new BeamSearch(
            GapFirst(gap), _text.Tokens, distribution, setting.Manifest.VocabularySize, gap.End.Value - gap.Start.Value, beams))];
        return new StepJob(Together([.. _searches.Select(search => search.Steps())]));
    }

    /// <summary>The candidates of each gap, once the job is done.</summary>
    public IReadOnlyList<GapCandidates> Candidates() => [.. _searches.Select((search, gap) => new GapCandidates(
        [.. search.Beams.Take(_count).Select(beam => Candidate(gap, beam))], search.IsExact(_count) ? GapAccuracy.Exact : GapAccuracy.Estimate))];

    private FillingCandidate Candidate(int gap, Beam beam)
    {
        Range positions = _text!.TargetPositions[gap];
        int[] tokens = _text.Tokens;
        var (committed, scores) = (new bool[tokens.Length], new (double, int)[tokens.Length]);
        committed.AsSpan(positions).Fill(true);
        beam.Tokens.CopyTo(tokens.AsSpan(positions));
        for (int i = 0; i < beam.Tokens.Length; i++)
            scores[positions.Start.Value + i] = (beam.LogProbabilities[i], i);
        return new FillingCandidate(_text.DecodeGaps(tokens, committed)[gap], _text.TargetTokens(gap, tokens, scores, committed), beam.LogProbability);
    }

    /// <summary>The order in which the tokens of a gap are the first targets, from left to right, and those of other gaps stay unknown behind them.</summary>
    private Order GapFirst(Range gap)
    {
        bool[] given = _text!.Given;
        int[] positions = [.. Enumerable.Range(0, given.Length).OrderBy(at => given[at] ? 0 : at >= gap.Start.Value && at < gap.End.Value ? 1 : 2)];
        return Order.FromPositions(positions, given.Count(one => one));
    }

    /// <summary>The steps of several searches at once.</summary>
    private static IEnumerable<IReadOnlyList<SequenceTask>> Together(IReadOnlyList<IEnumerable<IReadOnlyList<SequenceTask>>> all)
    {
        IEnumerator<IReadOnlyList<SequenceTask>>[] steps = [.. all.Select(one => one.GetEnumerator())];
        while (true)
        {
            steps = [.. steps.Where(one => one.MoveNext())];
            if (steps.Length == 0)
                yield break;
            yield return [.. steps.SelectMany(one => one.Current)];
        }
    }
}
