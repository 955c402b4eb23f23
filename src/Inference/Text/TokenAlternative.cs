namespace AsArm.Inference.Text;

/// <summary>A token that might stand in the place of a scored one.</summary>
/// <param name="Id">Its id in the vocabulary of the network.</param>
/// <param name="Text">Its text, with the space before a word.</param>
/// <param name="LogProbability">Natural log-probability, given the same as that of the scored token.</param>
public sealed record TokenAlternative(int Id, string Text, double LogProbability);
