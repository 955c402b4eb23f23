namespace AsArm.Inference.Tokenization;

/// <summary>How white space at the ends of a text is encoded.</summary>
internal enum TextEdges
{
    /// <summary>The text starts a sequence: a space is prepended, and white space at both ends is removed.</summary>
    Start,

    /// <summary>The text follows another token: no space is prepended, but its own leading space is kept.</summary>
    Continuation,

    /// <summary>A space is prepended, and white space at both ends is kept.</summary>
    KeptStart,

    /// <summary>No space is prepended, and white space at both ends is kept.</summary>
    KeptContinuation,
}
