namespace AsArm.Inference.Tokenization;

/// <summary>Where the last white space of a given text is encoded if another part follows.</summary>
internal enum SpaceAtEnd
{
    /// <summary>In the tokens of the text, or there is none.</summary>
    InTokens,

    /// <summary>In the first token of the next part, by its space mark.</summary>
    Carried,

    /// <summary>In no token; only the text has it.</summary>
    InNoToken,
}
