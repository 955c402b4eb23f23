namespace AsArm.Inference.Tokenization;

/// <summary>Upper limits on sizes in a tokenizer file, so that a damaged or malicious one cannot exhaust memory. docs/limits.md lists them.</summary>
internal static class TokenizerLimits
{
    /// <summary>Size of a tokenizer file: spiece.model, vocab.json or merges.txt.</summary>
    public const int FileBytes = 16 << 20;

    /// <summary>Number of pieces, and of merges.</summary>
    public const int Pieces = 1 << 20;

    /// <summary>Size of precompiled_charsmap; XLNet's has 0.3 MB.</summary>
    public const int CharacterMapBytes = 8 << 20;

    /// <summary>Size of a replacement of the character map; NFKC needs 33 bytes.</summary>
    public const int ReplacementBytes = 1024;

    /// <summary>Size of one piece in UTF-8.</summary>
    public const int PieceBytes = 1024;

    /// <summary>Size of all pieces in UTF-8.</summary>
    public const int AllPieceBytes = 8 << 20;
}
