namespace AsArm.Inference.Tokenization;

/// <summary>A piece and its position in a normalised text.</summary>
/// <param name="Id">Its token.</param>
/// <param name="Start">Index of its first byte.</param>
/// <param name="End">Index after its last byte.</param>
internal readonly record struct PlacedPiece(int Id, int Start, int End);
