namespace AsArm.Benchmarks.Texts;

/// <summary>What is unknown in a text of the benchmark.</summary>
public enum TextKind
{
    /// <summary>Each word with probability 95 %.</summary>
    Scattered95,

    /// <summary>Each word with probability 50 %.</summary>
    Scattered50,

    /// <summary>One gap of 16 tokens.</summary>
    OneGap,

    /// <summary>Several gaps of 1 to 4 tokens.</summary>
    ManyGaps,

    /// <summary>32 tokens at the end.</summary>
    Continuation,
}
