namespace AsArm.Benchmarks.Samplers;

/// <summary>What confidence intervals take for independent observations.</summary>
public enum IntervalUnit
{
    /// <summary>A text, or a batch of texts, with all its seeds.</summary>
    Text,

    /// <summary>A text, or a batch of texts, with one seed.</summary>
    TextAndSeed,
}
