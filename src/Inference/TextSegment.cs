namespace AsArm.Inference;

/// <summary>A part of a marked-up text.</summary>
internal abstract record TextSegment
{
    /// <summary>Text that is given, or that a score is asked for; escapes resolved.</summary>
    public sealed record Literal(string Text, bool Marked) : TextSegment;

    /// <summary>A gap of some unknown tokens.</summary>
    public sealed record Gap(long Count) : TextSegment;
}
