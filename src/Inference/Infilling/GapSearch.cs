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
    private readonly Range _positions;
    private readonly BeamSearch _search;

    /// <param name="text">The text.</param>
    /// <param name="gap">The index of the gap.</param>
    /// <param name="options">Temperature, top-k, top-p and bans, those of the positions of the text included.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="beams">The maximum number of beams.</param>
    /// <param name="floor">The log-probability below which fillings are not wanted.</param>
    public GapSearch(InfillText text, int gap, SamplingOptions options, int vocabularySize, int beams, double floor = double.NegativeInfinity)
    {
        (_text, _gap, _positions) = (text, gap, text.TargetPositions[gap]);
        Length = _positions.End.Value - _positions.Start.Value;
        _search = new BeamSearch(GapFirst(text.Given, _positions), text.Tokens, options, vocabularySize, Length, beams) { Floor = floor };
    }

    /// <summary>Number of tokens of the gap.</summary>
    public int Length { get; }

    /// <inheritdoc cref="BeamSearch.Beams" />
    public IReadOnlyList<Beam> Beams => _search.Beams;

    /// <inheritdoc cref="BeamSearch.LargestDropped" />
    public double LargestDropped => _search.LargestDropped;

    /// <inheritdoc cref="BeamSearch.Steps" />
    public IEnumerable<IReadOnlyList<SequenceTask>> Steps(int size) => _search.Steps(size);

    /// <inheritdoc cref="BeamSearch.IsExact" />
    public bool IsExact(int count) => _search.IsExact(count);

    /// <summary>Decodes fillings.</summary>
    /// <param name="beams">The fillings.</param>
    /// <param name="lengthProbability">The probability of the length.</param>
    public IEnumerable<FillingCandidate> Decode(IEnumerable<Beam> beams, double lengthProbability = 1)
    {
        int[] tokens = _text.Tokens;
        var (committed, scores) = (new bool[tokens.Length], new (double, int)[tokens.Length]);
        committed.AsSpan(_positions).Fill(true);
        foreach (Beam beam in beams)
        {
            beam.Tokens.CopyTo(tokens.AsSpan(_positions));
            for (int i = 0; i < Length; i++)
                scores[_positions.Start.Value + i] = (beam.LogProbabilities[i], i);
            yield return new FillingCandidate(_text.DecodeGap(_gap, tokens, committed), _text.TargetTokens(_gap, tokens, scores, committed), beam.LogProbability)
            {
                LengthProbability = lengthProbability,
            };
        }
    }

    /// <summary>The order in which the tokens of the gap are the first targets, from left to right, and those of other gaps stay unknown behind them.</summary>
    private static Order GapFirst(bool[] given, Range gap)
    {
        int[] positions = [.. Enumerable.Range(0, given.Length).OrderBy(at => given[at] ? 0 : at >= gap.Start.Value && at < gap.End.Value ? 1 : 2)];
        return Order.FromPositions(positions, given.Count(one => one));
    }
}
