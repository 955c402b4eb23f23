namespace AsArm.Inference.Tokenization;

/// <summary>A piece in a normalised text.</summary>
/// <param name="Id">Its token.</param>
/// <param name="Start">First byte.</param>
/// <param name="End">The byte after the last.</param>
internal readonly record struct PlacedPiece(int Id, int Start, int End);
