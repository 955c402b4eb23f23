using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>The most probable fillings of a gap.</summary>
/// <param name="Fillings">The fillings, the most probable first.</param>
/// <param name="Accuracy">
/// <see cref="GapAccuracy.Exact" /> if no other filling is more probable than the last of them, which is certain for gaps of one token and often for others;
/// <see cref="GapAccuracy.Estimate" /> if the search may have missed one, while their probabilities are exact; and where the length of the gap is not known, as that of a
/// length is an estimate.
/// </param>
public sealed record GapCandidates(IReadOnlyList<FillingCandidate> Fillings, GapAccuracy Accuracy)
{
    /// <summary>The posterior of the length in tokens, by length; empty if the length was given.</summary>
    public IReadOnlyList<LengthProbability> Lengths { get; init; } = [];
}

/// <summary>A filling of a gap.</summary>
/// <param name="Text">What the gap would be filled with.</param>
/// <param name="Tokens">Its tokens, from left to right.</param>
/// <param name="LogProbability">Natural logarithm of its probability given the text; other gaps are unknown to it. Where the length was not given, its probability is included.</param>
public sealed record FillingCandidate(string Text, IReadOnlyList<TokenScore> Tokens, double LogProbability)
{
    /// <summary>Its probability given the text.</summary>
    public double Probability => Math.Exp(LogProbability);
}
