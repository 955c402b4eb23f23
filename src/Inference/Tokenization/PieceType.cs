namespace AsArm.Inference.Tokenization;

/// <summary>Types of pieces, with the numbers of sentencepiece_model.proto.</summary>
internal enum PieceType
{
    /// <summary>Text.</summary>
    Normal = 1,

    /// <summary>Stands for characters without a piece.</summary>
    Unknown = 2,

    /// <summary>Never found in text.</summary>
    Control = 3,

    /// <summary>Always one token where it stands in a text.</summary>
    UserDefined = 4,

    /// <summary>Never used.</summary>
    Unused = 5,

    /// <summary>A byte of a character without a piece.</summary>
    Byte = 6,
}
