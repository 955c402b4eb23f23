namespace AsArm.Inference.Gaps;

/// <summary>A possible length of a gap.</summary>
/// <param name="Tokens">N, the number of tokens.</param>
/// <param name="Probability">p(N | text), over all lengths that the gap may have.</param>
/// <param name="LogEvidence">log p(S | P, N), the evidence of the text after the gap; 0 where there is none.</param>
public sealed record LengthProbability(int Tokens, double Probability, double LogEvidence);
