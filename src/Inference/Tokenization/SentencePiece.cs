namespace AsArm.Inference.Tokenization;

/// <summary>A piece of a vocabulary.</summary>
/// <param name="Text">Its text, with U+2581 for a space.</param>
/// <param name="Score">Natural log-probability.</param>
/// <param name="Type">Its type.</param>
internal sealed record SentencePiece(string Text, float Score, PieceType Type);
