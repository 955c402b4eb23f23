using AsArm.Assd.Constraints;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;

namespace AsArm.Inference.Constraints;

/// <summary>The constraint that the text of an open gap has one of some lengths: its end comes neither before the shortest nor after the longest. Immutable.</summary>
internal sealed class OpenGapConstraint : ISequenceConstraint
{
    private readonly int _start;
    private readonly int _minimum;
    private readonly int _maximum;
    private readonly TokenMask _end;
    private readonly TokenMask _text;

    /// <param name="start">The first position of the gap, which has maximum + 1 positions.</param>
    /// <param name="minimum">The smallest number of tokens before the end.</param>
    /// <param name="maximum">The largest.</param>
    /// <param name="endId">The token of the end.</param>
    /// <param name="vocabularySize">V.</param>
    public OpenGapConstraint(int start, int minimum, int maximum, int endId, int vocabularySize)
    {
        (_start, _minimum, _maximum) = (start, minimum, maximum);
        _end = new TokenMask(vocabularySize, [endId]);
        _text = new TokenMask(vocabularySize, [.. Enumerable.Range(0, vocabularySize).Where(token => token != endId)]);
    }

    /// <inheritdoc />
    public TokenMask? AllowedTokens(SequenceState state, int rank)
    {
        int length = state.Order.Positions[rank] - _start; // of the text before this position
        return length < _minimum ? _text : length < _maximum ? null : _end;
    }
}
