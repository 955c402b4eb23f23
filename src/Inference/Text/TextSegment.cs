namespace AsArm.Inference.Text;

/// <summary>A part of a prompt, see <see cref="InfillPrompt" /> and <see cref="ScorePrompt" />.</summary>
public abstract record TextSegment
{
    private TextSegment()
    {
    }

    /// <summary>Text in which nothing is markup.</summary>
    /// <param name="Text">The text.</param>
    /// <param name="Marked">False for given text; true for a span whose probability is computed.</param>
    public sealed record Literal(string Text, bool Marked) : TextSegment;

    /// <summary>A gap: a run of unknown tokens.</summary>
    /// <param name="Count">Number of tokens.</param>
    public sealed record Gap(long Count) : TextSegment
    {
        /// <summary>Whether it is right after a gap that was filled in an earlier window, with no given text between them.</summary>
        internal bool FollowsFilledGap { get; init; }
    }
}
