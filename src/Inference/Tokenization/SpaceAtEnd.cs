namespace AsArm.Inference.Tokenization;

/// <summary>Where the last white space of a given text goes when something follows the text.</summary>
internal enum SpaceAtEnd
{
    /// <summary>There is none, or it is in the text's own tokens.</summary>
    InTokens,

    /// <summary>Into the tokens of what follows: its first token says whether there is a space.</summary>
    Carried,

    /// <summary>The text keeps it, and no token has it.</summary>
    InNoToken,
}
