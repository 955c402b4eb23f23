namespace AsArm.Inference;

/// <summary>One text of a batch.</summary>
/// <param name="Text">Marked-up text with at least one gap.</param>
/// <param name="Options">How to fill it.</param>
public sealed record InfillRequest(string Text, InfillOptions Options);
