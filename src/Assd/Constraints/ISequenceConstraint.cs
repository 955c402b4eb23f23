using AsArm.Assd.Distributions;
using AsArm.Assd.Models;

namespace AsArm.Assd.Constraints;

/// <summary>
/// A set of sequences, told token by token. Whatever it allows for a rank must be possible to complete, as far as the constraint alone decides. A
/// sequence is in the set if each of its targets was allowed when it was committed.
/// </summary>
public interface ISequenceConstraint
{
    /// <summary>
    /// The tokens that the target of a rank may be, given the tokens that the state has for all earlier ranks; null if it may be any. Called often with
    /// the same earlier tokens, also with draft tokens that are not allowed themselves, for which any answer will do.
    /// </summary>
    /// <param name="state">The sequence.</param>
    /// <param name="rank">A target.</param>
    TokenMask? AllowedTokens(SequenceState state, int rank);
}
