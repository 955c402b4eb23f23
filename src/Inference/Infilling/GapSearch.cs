using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>The search for the most probable fillings of one gap of a text, given its number of tokens and without the other gaps.</summary>
internal sealed class GapSearch
{
    private readonly InfillText _text;
    private readonly int _gap;
    private readonly BeamSearch _search;

    /// <param name="text">The text.</param>
    /// <param name="gap">The index of the gap.</param>
    /// <param name="options">Temperature, top-k, top-p and bans, those of the positions of the text included.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="beams">The maximum number of beams.</param>
    public GapSearch(InfillText text, int gap, SamplingOptions options, int vocabularySize, int beams)
    {
        (_text, _gap) = (text, gap);
        Range positions = text.TargetPositions[gap];
        Length = positions.End.Value - positions.Start.Value;
        _search = new BeamSearch(GapFirst(text.Given, positions), text.Tokens, options, vocabularySize, Length, beams);
    }

    /// <summary>Number of tokens of the gap.</summary>
    public int Length { get; }

    /// <summary>The steps of the search.</summary>
    public IEnumerable<IReadOnlyList<SequenceTask>> Steps() => _search.Steps();

    /// <summary>The most probable fillings once the steps are done, the most probable first.</summary>
    /// <param name="count">Their number.</param>
    /// <param name="logLength">The log-probability of the length, which is added to theirs.</param>
    public IEnumerable<FillingCandidate> Fillings(int count, double logLength = 0) => _search.Beams.Take(count).Select(beam => Filling(beam, logLength));

    /// <summary>Whether the first fillings are certainly the most probable ones.</summary>
    /// <param name="count">Their number.</param>
    public bool IsExact(int count) => _search.IsExact(count);

    private FillingCandidate Filling(Beam beam, double logLength)
    {
        Range positions = _text.TargetPositions[_gap];
        int[] tokens = _text.Tokens;
        var (committed, scores) = (new bool[tokens.Length], new (double, int)[tokens.Length]);
        committed.AsSpan(positions).Fill(true);
        beam.Tokens.CopyTo(tokens.AsSpan(positions));
        for (int i = 0; i < Length; i++)
            scores[positions.Start.Value + i] = (beam.LogProbabilities[i], i);
        return new FillingCandidate(_text.DecodeGaps(tokens, committed)[_gap], _text.TargetTokens(_gap, tokens, scores, committed), logLength + beam.LogProbability);
    }

    /// <summary>The order in which the tokens of the gap are the first targets, from left to right, and those of other gaps stay unknown behind them.</summary>
    private static Order GapFirst(bool[] given, Range gap)
    {
        int[] positions = [.. Enumerable.Range(0, given.Length).OrderBy(at => given[at] ? 0 : at >= gap.Start.Value && at < gap.End.Value ? 1 : 2)];
        return Order.FromPositions(positions, given.Count(one => one));
    }
}
