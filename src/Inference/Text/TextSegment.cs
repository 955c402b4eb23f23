namespace AsArm.Inference.Text;

/// <summary>A part of a prompt, see <see cref="InfillPrompt" /> and <see cref="ScorePrompt" />.</summary>
public abstract record TextSegment
{
    private TextSegment()
    {
    }

    /// <summary>Text, as it is: nothing in it is markup.</summary>
    /// <param name="Text">The text.</param>
    /// <param name="Marked">False for given text; true for a span whose probability is asked for.</param>
    public sealed record Literal(string Text, bool Marked) : TextSegment;

    /// <summary>A gap: unknown tokens that follow each other.</summary>
    /// <param name="Count">How many tokens.</param>
    public sealed record Gap(long Count) : TextSegment
    {
        /// <summary>Whether it stands right after another gap that an earlier window has filled: no character was typed between the two.</summary>
        internal bool FollowsFilledGap { get; init; }
    }
}
