namespace AsArm.Inference.Tokenization;

/// <summary>Types of pieces, numbered as in sentencepiece_model.proto.</summary>
internal enum PieceType
{
    /// <summary>A piece of text.</summary>
    Normal = 1,

    /// <summary>The token of characters without a piece.</summary>
    Unknown = 2,

    /// <summary>A control token, never matched in text.</summary>
    Control = 3,

    /// <summary>Always one token where it occurs in a text.</summary>
    UserDefined = 4,

    /// <summary>Never used.</summary>
    Unused = 5,

    /// <summary>A byte, for byte fallback.</summary>
    Byte = 6,
}
