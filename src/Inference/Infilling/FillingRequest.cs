using AsArm.Assd.Distributions;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// A request for the most probable fillings of gaps, each given the text and without the other gaps. Where the number of tokens of the only gap is not known,
/// there is a search for each number, and their fillings are compared by p(N | text) p(x | N).
/// </summary>
internal sealed class FillingRequest(
    IReadOnlyList<TextSegment> segments, string? warning, Func<CandidateOptions> getOptions, SegmentEncoder encoder, InfillSetting setting)
{
    private CandidateOptions _options = new();
    private GapSearch[] _searches = []; // one for each gap, or for each length of the only gap
    private LengthEvidence? _evidence; // of the lengths; null if there are none, or nothing follows the gap
    private double[] _logPrior = []; // of the lengths
    private bool _isUnknownLength;

    /// <summary>Validates and encodes it.</summary>
    public StepJob Prepare()
    {
        _options = getOptions();
        _options.RequireRanges(setting.Manifest.VocabularySize);
        InfillText.RequireTargets(segments, spans: false, warning);
        TextSegment.Gap[] gaps = [.. segments.OfType<TextSegment.Gap>()];
        _isUnknownLength = gaps is [{ IsPlain: false, Specification: { MinTokens: not null, MinCharacters: null, Choices.Count: 0, Pattern: null, Name: null } }];
        if (!_isUnknownLength)
            GapSupport.RequirePlain(segments, gaps.Length == 1 ? "for candidates" : "for candidates beside other gaps");
        if (_options.Count > CandidateOptions.MaxBeams && gaps.Any(gap => gap.Count > 1))
            throw new ArgumentOutOfRangeException(nameof(segments), _options.Count, $"Count must be at most {CandidateOptions.MaxBeams} where a gap has several tokens.");
        int[] banned = [.. setting.Banned.Union(_options.BannedTokens)];
        if (_isUnknownLength)
            SearchLengths(banned);
        else
            SearchGaps(banned);
        return new StepJob(Together([.. _searches.Select(search => search.Steps()), .. _evidence is null ? [] : new[] { _evidence.Steps() }]));
    }

    /// <summary>The candidates of each gap, once the job is done.</summary>
    public IReadOnlyList<GapCandidates> Candidates()
    {
        int count = _options.Count;
        if (!_isUnknownLength)
            return [.. _searches.Select(search => new GapCandidates([.. search.Fillings(count)], search.IsExact(count) ? GapAccuracy.Exact : GapAccuracy.Estimate))];
        int[] lengths = [.. _searches.Select(search => search.Length)];
        double[] evidence = _evidence?.LogEvidence() ?? new double[lengths.Length];
        double[] posterior = _options.Lengths.Posterior(_logPrior, evidence);
        IEnumerable<FillingCandidate> all = _searches.Zip(posterior, (search, probability) => search.Fillings(count, Math.Log(probability))).SelectMany(fillings => fillings);
        return
        [
            new GapCandidates([.. all.Where(one => double.IsFinite(one.LogProbability)).OrderByDescending(one => one.LogProbability).Take(count)], GapAccuracy.Estimate)
            {
                Lengths = [.. lengths.Select((length, i) => new LengthProbability(length, posterior[i], evidence[i]))],
            },
        ];
    }

    private void SearchGaps(int[] banned)
    {
        InfillText text = encoder.Encode(segments);
        _searches = [.. Enumerable.Range(0, text.TargetPositions.Length).Select(gap => Search(text, gap, banned))];
    }

    private void SearchLengths(int[] banned)
    {
        var gap = new GapText(segments, encoder);
        int[] lengths = [.. gap.Gaps[0].Lengths.TakeWhile(length => length <= gap.Gaps[0].ShortestLength + gap.Room).Select(length => (int)length)];
        _logPrior = _options.Lengths.Prior.LogProbabilities(lengths);
        InfillText[] texts = [.. lengths.Select(length => encoder.Encode([.. segments.Select(segment => segment is TextSegment.Gap ? new TextSegment.Gap(length) : segment)]))];
        _searches = [.. texts.Select(text => Search(text, 0, banned))];
        GapSurroundings surroundings = GapSurroundings.Of(texts[0], 0, _options.Lengths.SuffixTokens, banned, setting.Manifest.MaskId, setting.Manifest.VocabularySize);
        if (surroundings.After.Length > 0 && lengths.Length > 1)
            _evidence = new LengthEvidence(surroundings, lengths, _options.Lengths.Fillings);
    }

    private GapSearch Search(InfillText text, int gap, int[] banned)
    {
        SamplingOptions distribution = _options with { BannedTokens = banned, BannedTokensAt = text.BannedAt };
        InfillOptions.RequireTokensAt(distribution, setting.Manifest.VocabularySize);
        return new GapSearch(text, gap, distribution, setting.Manifest.VocabularySize, Math.Max(_options.Count, _options.Beams));
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
