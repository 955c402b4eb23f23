namespace AsArm.Inference.Text;

/// <summary>A text cannot be filled or scored: no gap, a malformed marker, too many tokens, or no valid Unicode.</summary>
public sealed class InfillTextException(string message) : FormatException(message);
