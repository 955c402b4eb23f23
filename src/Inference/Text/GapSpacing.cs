namespace AsArm.Inference.Text;

/// <summary>Who decides whether there is a space before a gap.</summary>
public enum GapSpacing
{
    /// <summary>
    /// The text as it was typed. After white space the gap's first token is drawn from the tokens that begin a word (with the space mark),
    /// right after any other character from those that continue it (without). The conditional of that token is renormalised over them, in
    /// drafts as in tests; this defines the sampled distribution, for each order, as top-k does. A gap right after another gap is not
    /// restricted.
    /// </summary>
    AsTyped,

    /// <summary>
    /// The model: a single space before the gap belongs to the gap, whose first token decides whether there is one. No conditional is
    /// restricted.
    /// </summary>
    FromModel,
}
