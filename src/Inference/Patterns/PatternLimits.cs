namespace AsArm.Inference.Patterns;

/// <summary>Limits of expressions and word lists; they bound time and memory whatever an expression is.</summary>
internal static class PatternLimits
{
    /// <summary>Limit of the characters of an expression.</summary>
    public const int Characters = 10_000;

    /// <summary>Limit of groups in groups.</summary>
    public const int Depth = 200;

    /// <summary>Limit of different character classes.</summary>
    public const int Classes = 256;

    /// <summary>Limit of the states of the nondeterministic automaton, with counted repetitions written out.</summary>
    public const int NfaStates = 20_000;

    /// <summary>Limit of the states of the deterministic automaton.</summary>
    public const int DfaStates = 20_000;

    /// <summary>Limit of the entries of its table.</summary>
    public const int DfaEntries = 4_000_000;

    /// <summary>Limit of the states that are looked at while it is built.</summary>
    public const long Work = 20_000_000;

    /// <summary>Limit of the states of several conditions together.</summary>
    public const int ProductStates = 400_000;

    /// <summary>Limit of the states of fillings between tokens.</summary>
    public const int TokenStates = 200_000;

    /// <summary>Limit of the pairs of such states of which one can follow the other.</summary>
    public const long TokenEntries = 4_000_000;

    /// <summary>Limit of the steps along texts of tokens while these are found: about a second.</summary>
    public const long TokenWork = 100_000_000;

    /// <summary>Limit of the table of states and numbers of tokens with which a filling can end.</summary>
    public const long EndEntries = 32_000_000;

    /// <summary>Limit of the memory of the sets of allowed tokens of a gap that are kept; others are found again.</summary>
    public const long MaskBytes = 32 << 20;

    /// <summary>Limit of the characters of the words of a list.</summary>
    public const int WordListCharacters = 1 << 20;
}
