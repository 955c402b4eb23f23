namespace AsArm.Cli.Options;

/// <summary>What asarm score lists.</summary>
internal enum ScoreDetail
{
    /// <summary>The marked spans.</summary>
    Span,

    /// <summary>Their words.</summary>
    Word,

    /// <summary>Their tokens, with the entropies of their distributions.</summary>
    Token,
}
