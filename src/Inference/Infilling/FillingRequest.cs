using AsArm.Assd.Distributions;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// A request for the most probable fillings of gaps, each given the text and without the other gaps; or of a gap whose number of tokens is not known
/// (<see cref="LengthSearch" />). Its steps are small, so that other requests get their turn between them.
/// </summary>
internal sealed class FillingRequest(
    IReadOnlyList<TextSegment> segments, string? warning, Func<CandidateOptions> getOptions, SegmentEncoder encoder, InfillSetting setting)
{
    private Func<IReadOnlyList<GapCandidates>> _candidates = () => [];

    /// <summary>Validates and encodes it.</summary>
    public StepJob Prepare()
    {
        CandidateOptions options = getOptions();
        options.RequireRanges(setting.Manifest.VocabularySize);
        options = OptionsCopy.AsScored(options);
        InfillText.RequireTargets(segments, spans: false, warning);
        TextSegment.Gap[] gaps = [.. segments.OfType<TextSegment.Gap>()];
        bool isUnknownLength = gaps is [{ IsPlain: false, Specification: { MinTokens: not null, MinCharacters: null, Choices.Count: 0, Pattern: null, Name: null } }];
        if (!isUnknownLength)
            GapSupport.RequirePlain(segments, gaps.Length == 1 || gaps.All(gap => !HasUnknownLengthOnly(gap.Specification)) ? "for candidates" : "for candidates beside other gaps");
        InfillOptions.Require(
            options.Count <= CandidateOptions.MaxBeams || gaps.All(gap => gap.Count == 1),
            nameof(CandidateOptions.Count), options.Count, $"must be at most {CandidateOptions.MaxBeams} where a gap has several tokens");
        CandidateWork.RequireSequences(gaps, options);
        CandidateWork.RequireFillings(gaps.Length, Math.Min(options.Count, setting.Manifest.VocabularySize));
        int[] banned = [.. setting.Banned.Union(options.BannedTokens)];
        return new StepJob(isUnknownLength ? SearchLengths(options, banned) : SearchGaps(options, banned));
    }

    /// <summary>The candidates of each gap, once the job is done.</summary>
    public IReadOnlyList<GapCandidates> Candidates() => _candidates();

    private static bool HasUnknownLengthOnly(GapSpecification gap) =>
        gap is { IsPlain: false, MinCharacters: null, Choices.Count: 0, Pattern: null, Name: null };

    private IEnumerable<IReadOnlyList<SequenceTask>> SearchGaps(CandidateOptions options, int[] banned)
    {
        InfillText text = encoder.Encode(segments);
        GapSearch[] searches = [.. Enumerable.Range(0, text.TargetPositions.Length).Select(gap => Search(text, gap, options, banned))];
        _candidates = () => [.. searches.Select(search => new GapCandidates([.. search.Decode(search.Beams.Take(options.Count))], GapAccuracy.Exact) { IsComplete = search.IsExact(options.Count) })];
        return InTurn(searches, options.SearchBeams);
    }

    private IEnumerable<IReadOnlyList<SequenceTask>> SearchLengths(CandidateOptions options, int[] banned)
    {
        var search = new LengthSearch(
            segments, encoder, options,
            text => GapSurroundings.Of(text, 0, options.Lengths.SuffixTokens, banned, setting.Manifest.MaskId, setting.Manifest.VocabularySize),
            (text, floor) => Search(text, 0, options, banned, floor));
        _candidates = () => [search.Candidates()];
        return search.Steps(TextInfiller.MaxBatchSize);
    }

    private GapSearch Search(InfillText text, int gap, CandidateOptions options, int[] banned, double floor = double.NegativeInfinity)
    {
        SamplingOptions distribution = options with { BannedTokens = banned, BannedTokensAt = text.BannedAt };
        InfillOptions.RequireTokensAt(distribution, setting.Manifest.VocabularySize);
        return new GapSearch(text, gap, distribution, setting.Manifest.VocabularySize, options.SearchBeams, floor);
    }

    /// <summary>The steps of the searches, of as many together as fill a forward pass.</summary>
    private static IEnumerable<IReadOnlyList<SequenceTask>> InTurn(GapSearch[] searches, int beams)
    {
        for (int at = 0; at < searches.Length;)
        {
            var some = new List<GapSearch>();
            for (int places = 0; at < searches.Length && places < TextInfiller.MaxBatchSize; at++)
            {
                some.Add(searches[at]);
                places += searches[at].Length == 1 ? 1 : beams;
            }

            foreach (IReadOnlyList<SequenceTask> step in Together([.. some.Select(search => search.Steps(TextInfiller.MaxBatchSize))]))
                yield return step;
        }
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
