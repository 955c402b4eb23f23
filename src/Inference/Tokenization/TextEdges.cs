namespace AsArm.Inference.Tokenization;

/// <summary>What becomes of the white space at the edges of a text.</summary>
internal enum TextEdges
{
    /// <summary>A sequence starts here: a space is put in front, white space at both edges goes.</summary>
    Start,

    /// <summary>It goes on right after another token: no space is put in front, one of its own is kept there.</summary>
    Continuation,

    /// <summary>A space is put in front, and white space at both edges is kept.</summary>
    KeptStart,

    /// <summary>No space is put in front, and white space at both edges is kept.</summary>
    KeptContinuation,
}
