namespace AsArm.Inference.Tokenization;

/// <summary>The most that a tokenizer's file may ask for; docs/limits.md lists what that costs.</summary>
internal static class TokenizerLimits
{
    /// <summary>Pieces of the vocabulary.</summary>
    public const int Pieces = 1 << 20;

    /// <summary>precompiled_charsmap of a tokenizer; XLNet's has 0.3 MB.</summary>
    public const int CharacterMapBytes = 8 << 20;

    /// <summary>What one match of the character map is replaced by; NFKC needs 33 bytes.</summary>
    public const int ReplacementBytes = 1024;

    /// <summary>UTF-8 of one piece of a tokenizer.</summary>
    public const int PieceBytes = 1024;

    /// <summary>UTF-8 of all pieces of a tokenizer.</summary>
    public const int AllPieceBytes = 8 << 20;
}
