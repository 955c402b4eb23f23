namespace AsArm.Inference.Gaps;

/// <summary>A filling of a list of choices.</summary>
/// <param name="Text">The filling.</param>
/// <param name="Tokens">Its number of tokens.</param>
/// <param name="Probability">Its probability given the text, over all choices of the gap.</param>
public sealed record ChoiceProbability(string Text, int Tokens, double Probability);
