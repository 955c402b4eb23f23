namespace AsArm.Inference.Infilling;

/// <summary>A token that may fill a gap of one token.</summary>
/// <param name="Id">Its id in the vocabulary of the network.</param>
/// <param name="Text">What the gap would be filled with.</param>
/// <param name="Probability">Its probability given the text; other gaps are unknown to it.</param>
public sealed record TokenCandidate(int Id, string Text, double Probability);
