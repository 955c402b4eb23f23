namespace AsArm.Inference.Tokenization;

/// <summary>A piece of a vocabulary.</summary>
/// <param name="Text">With U+2581 for a space.</param>
/// <param name="Score">Natural log-probability.</param>
/// <param name="Type">What it is for.</param>
internal sealed record SentencePiece(string Text, float Score, PieceType Type);
