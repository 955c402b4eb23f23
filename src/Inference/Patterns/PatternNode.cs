namespace AsArm.Inference.Patterns;

/// <summary>A node of a parsed expression.</summary>
internal abstract record PatternNode
{
    private PatternNode()
    {
    }

    /// <summary>One code unit out of a set, which may be empty.</summary>
    public sealed record Set(CharacterSet Characters) : PatternNode;

    /// <summary>One after the other; of none, the empty text.</summary>
    public sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode;

    /// <summary>One of several.</summary>
    public sealed record Alternation(IReadOnlyList<PatternNode> Branches) : PatternNode;

    /// <summary>A repetition.</summary>
    /// <param name="Inner">What is repeated.</param>
    /// <param name="Min">How often at least.</param>
    /// <param name="Max">How often at most; null for no limit.</param>
    public sealed record Repeat(PatternNode Inner, int Min, int? Max) : PatternNode;
}
