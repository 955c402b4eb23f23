namespace AsArm.Inference.Gaps;

/// <summary>A choice with its tokens.</summary>
/// <param name="Text">The text.</param>
/// <param name="Tokens">Its tokens where it stands; at least one.</param>
internal sealed record EncodedChoice(string Text, int[] Tokens);
