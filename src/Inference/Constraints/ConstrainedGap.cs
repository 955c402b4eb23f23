using AsArm.Inference.Patterns;

namespace AsArm.Inference.Constraints;

/// <summary>A gap of a sequence, and what its filling has to meet.</summary>
/// <param name="Start">The position of its first token.</param>
/// <param name="Length">Its number of tokens.</param>
/// <param name="IsSpaceShown">Whether the space of its first token is in the text before it; null if that depends on the token before.</param>
/// <param name="Fillings">The fillings that it may have; null for all.</param>
/// <param name="Same">An earlier gap of the same sequence with the same filling; null if there is none.</param>
/// <param name="SameText">The filling of a gap of the same name that was filled before; null if there is none.</param>
internal sealed record ConstrainedGap(int Start, int Length, bool? IsSpaceShown, TokenAutomaton? Fillings, ConstrainedGap? Same, string? SameText);
