namespace AsArm.Inference.Text;

/// <summary>Whether the text or the model determines if there is a space before a gap.</summary>
public enum GapSpacing
{
    /// <summary>
    /// The text as it was typed. After white space the first token of the gap is drawn from the tokens that begin a word (with the space mark),
    /// after any other character from those that continue it (without). Its conditional is renormalised over them, for drafts and oracles alike;
    /// this defines the sampled distribution for each order, as top-k does. A gap right after another gap is not restricted.
    /// </summary>
    AsTyped,

    /// <summary>
    /// The model. A single space before the gap is removed, and the first token of the gap determines whether there is one. No conditional is
    /// restricted.
    /// </summary>
    FromModel,
}
