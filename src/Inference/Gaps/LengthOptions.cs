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

    /// <summary>How the length is found; the other options are those of <see cref="LengthMethod.Evidence" />.</summary>
    public LengthMethod Method { get; init; }

    /// <summary>p(N), what is known of the length before the text after the gap is looked at.</summary>
    public LengthPrior Prior { get; init; } = LengthPrior.Learnt;

    /// <summary>Fillings of each length over which the evidence is averaged, from 1 to <see cref="MaxFillings" />.</summary>
    public int Fillings { get; init; } = 1;

    /// <summary>S, the number of tokens after the gap that are looked at, from 1 to <see cref="MaxSuffixTokens" />.</summary>
    public int SuffixTokens { get; init; } = 20;

    /// <summary>
    /// The power of the evidence p(S | P, N) in the posterior, above 0 and at most 1. 1 is Bayes' rule, right for a model whose conditionals are consistent;
    /// the evidence of a network is surer of itself than it is right, and 1/2 finds the length more often (perf/results/lengths.md).
    /// </summary>
    public double EvidenceWeight { get; init; } = 0.5;

    /// <summary>The posterior of lengths from their log-probabilities before and the logarithms of their evidence.</summary>
    internal double[] Posterior(IEnumerable<double> logPrior, IEnumerable<double> logEvidence) =>
        LogWeights.Normalise([.. logPrior.Zip(logEvidence, (prior, evidence) => prior + (EvidenceWeight * evidence))]);

    /// <summary>Throws unless all values are in range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the option.</exception>
    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Prior);
        if (!Enum.IsDefined(Method))
            throw new ArgumentOutOfRangeException(nameof(Method), Method, "There is no such method.");
        ArgumentOutOfRangeException.ThrowIfLessThan(Fillings, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Fillings, MaxFillings);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(EvidenceWeight);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(EvidenceWeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(SuffixTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(SuffixTokens, MaxSuffixTokens);
    }
}
