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
    public sealed record Literal(string Text, bool Marked) : TextSegment
    {
        /// <summary>
        /// Token ids that are evaluated exactly as they are, in place of a text; <see cref="Text" /> is empty then. Null for a text, of which the tokenizer makes the
        /// tokens.
        /// </summary>
        public IReadOnlyList<int>? Tokens { get; internal init; }
    }

    /// <summary>A gap: a run of unknown tokens.</summary>
    /// <param name="Count">Number of tokens; if it is not known, the largest number.</param>
    public sealed record Gap(long Count) : TextSegment
    {
        private readonly GapSpecification? _specification; // null if only the number of tokens is given

        /// <summary>Creates a gap of which more is known, or less.</summary>
        public Gap(GapSpecification specification)
            : this((specification ?? throw new ArgumentNullException(nameof(specification))).LargestLength) =>
            _specification = specification.IsPlain ? null : specification;

        /// <summary>What is known of the filling.</summary>
        public GapSpecification Specification => _specification ?? GapSpecification.Tokens(Count);

        /// <summary>Whether only the number of tokens is given.</summary>
        internal bool IsPlain => _specification is null;

        /// <summary>Its tokens, if it has been filled; they count as given.</summary>
        internal int[]? Filled { get; init; }

        /// <summary>Whether it is right after a gap that was filled in an earlier window, with no given text between them.</summary>
        internal bool FollowsFilledGap { get; init; }
    }
}
