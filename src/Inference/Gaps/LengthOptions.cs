namespace AsArm.Inference.Gaps;

/// <summary>How the length of a gap of unknown length is found.</summary>
public sealed record LengthOptions
{
    /// <summary>The maximum number of lengths that a gap may have.</summary>
    public const int MaxLengths = 64;

    /// <summary>The maximum of <see cref="Fillings" />.</summary>
    public const int MaxFillings = 16;

    /// <summary>The maximum of <see cref="SuffixTokens" />.</summary>
    public const int MaxSuffixTokens = 64;

    /// <summary>p(N), what is known of the length before the text after the gap is looked at.</summary>
    public LengthPrior Prior { get; init; } = LengthPrior.Learnt;

    /// <summary>Fillings of each length over which the evidence is averaged, from 1 to <see cref="MaxFillings" />.</summary>
    public int Fillings { get; init; } = 1;

    /// <summary>S, the number of tokens after the gap that are looked at, from 1 to <see cref="MaxSuffixTokens" />.</summary>
    public int SuffixTokens { get; init; } = 20;

    /// <summary>Throws unless all values are in range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the option.</exception>
    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Prior);
        ArgumentOutOfRangeException.ThrowIfLessThan(Fillings, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Fillings, MaxFillings);
        ArgumentOutOfRangeException.ThrowIfLessThan(SuffixTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(SuffixTokens, MaxSuffixTokens);
    }
}
