using AsArm.Inference.Constraints;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// The search for the most probable fillings of the only gap of a text, whose number of tokens is not known: they are compared by p(N | text) p(x | N). The most
/// probable length is searched first. A filling of another length is at most as probable as the length, so that what cannot be among the first any more is left out.
/// </summary>
internal sealed class LengthSearch
{
    private readonly CandidateOptions _options;
    private readonly int[] _lengths;
    private readonly double[] _logPrior;
    private readonly LengthEvidence? _evidence; // null if there is one length, or nothing follows the gap
    private readonly Func<int, double, GapSearch> _search;
    private double[] _logEvidence = [], _posterior = [];
    private List<(GapSearch Search, Beam Beam, int Length, double Total)> _found = []; // the most probable first
    private double _largestDropped = double.NegativeInfinity;

    /// <param name="segments">The text.</param>
    /// <param name="encoder">Encodes it.</param>
    /// <param name="options">The options.</param>
    /// <param name="surroundings">The text around the gap, if the gap were as in a text.</param>
    /// <param name="search">Creates the search of a text with a gap of one length, with the log-probability below which fillings are not wanted.</param>
    public LengthSearch(
        IReadOnlyList<TextSegment> segments, SegmentEncoder encoder, CandidateOptions options, Func<InfillText, GapSurroundings> surroundings, Func<InfillText, double, GapSearch> search)
    {
        _options = options;
        var gap = new GapText(segments, encoder, GapConditions.None);
        _lengths = [.. gap.Gaps[0].Lengths.TakeWhile(length => length <= gap.Gaps[0].ShortestLength + gap.Room).Select(length => (int)length)];
        _logPrior = options.Lengths.Prior.LogProbabilities(_lengths);
        InfillText TextOf(int length) => encoder.Encode([.. segments.Select(segment => segment is TextSegment.Gap ? new TextSegment.Gap(length) : segment)]);
        _search = (index, floor) => search(TextOf(_lengths[index]), floor);
        GapSurroundings around = surroundings(TextOf(_lengths[0]));
        if (around.After.Length > 0 && _lengths.Length > 1)
            _evidence = new LengthEvidence(around, _lengths, options.Lengths.Fillings);
    }

    /// <summary>The steps: the evidence of the lengths, then the search of each.</summary>
    /// <param name="size">The maximum number of sequences of a step.</param>
    public IEnumerable<IReadOnlyList<SequenceTask>> Steps(int size)
    {
        foreach (IReadOnlyList<SequenceTask> step in _evidence?.Steps() ?? [])
        {
            foreach (SequenceTask[] some in step.Chunk(size))
                yield return some;
        }

        _logEvidence = _evidence?.LogEvidence() ?? new double[_lengths.Length];
        _posterior = _options.Lengths.Posterior(_logPrior, _logEvidence);
        foreach (int index in Enumerable.Range(0, _lengths.Length).Where(index => _posterior[index] > 0).OrderByDescending(index => _posterior[index]))
        {
            double log = Math.Log(_posterior[index]);
            GapSearch search = _search(index, _found.Count < _options.Count ? double.NegativeInfinity : _found[^1].Total - log - 1e-9); // of sums that are equal but for rounding
            foreach (IReadOnlyList<SequenceTask> step in search.Steps(size))
                yield return step;
            _largestDropped = Math.Max(_largestDropped, search.LargestDropped + log);
            _found = [.. _found.Concat(search.Beams.Select(beam => (Search: search, Beam: beam, Length: index, Total: beam.LogProbability + log)))
                .OrderByDescending(one => one.Total).ThenBy(one => one.Length).Take(_options.Count)];
        }
    }

    /// <summary>The candidates, once the steps are done.</summary>
    public GapCandidates Candidates() => new([.. _found.SelectMany(one => one.Search.Decode([one.Beam], _posterior[one.Length]))], GapAccuracy.Estimate)
    {
        IsComplete = (_found.Count < _options.Count ? double.NegativeInfinity : _found[^1].Total) >= _largestDropped,
        Lengths = [.. _lengths.Select((length, i) => new LengthProbability(length, _posterior[i], _logEvidence[i]))],
    };
}
