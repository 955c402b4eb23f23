using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>The most probable fillings of a gap.</summary>
/// <param name="Fillings">The fillings, the most probable first.</param>
/// <param name="Accuracy">
/// Whether their probabilities are exact; <see cref="GapAccuracy.Estimate" /> where the length of the gap is not known, as the probability of a length is an estimate.
/// </param>
public sealed record GapCandidates(IReadOnlyList<FillingCandidate> Fillings, GapAccuracy Accuracy)
{
    /// <summary>
    /// Whether no other filling is more probable than the last of them, which is certain for gaps of one token and often for others; false if the search may have
    /// missed one, which more <see cref="CandidateOptions.Beams" /> make less likely.
    /// </summary>
    public bool IsComplete { get; init; }

    /// <summary>The posterior of the length in tokens, by length; empty if the length was given.</summary>
    public IReadOnlyList<LengthProbability> Lengths { get; init; } = [];
}

/// <summary>A filling of a gap.</summary>
/// <param name="Text">What the gap would be filled with.</param>
/// <param name="Tokens">Its tokens, from left to right.</param>
/// <param name="LogProbability">Natural log-probability of its tokens given the text and their number; other gaps are unknown to it.</param>
public sealed record FillingCandidate(string Text, IReadOnlyList<TokenScore> Tokens, double LogProbability)
{
    /// <summary>The probability of its length in tokens; 1 if the length was given.</summary>
    public double LengthProbability { get; init; } = 1;

    /// <summary>Its probability given the text: that of its tokens times that of its length.</summary>
    public double Probability => Math.Exp(LogProbability) * LengthProbability;
}
