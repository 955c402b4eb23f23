using AsArm.Assd.Constraints;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A gap of a text that is being filled, and what has been found of it.</summary>
/// <param name="Known">What is known of it.</param>
internal sealed record GapState(KnownGap Known)
{
    /// <summary>As it was written.</summary>
    public GapSpecification Specification => Known.Specification;

    /// <summary>Its number of tokens, where it is known or was drawn; an expected number before.</summary>
    public required int Length { get; set; }

    /// <summary>Whether its length is known, so that it can be filled.</summary>
    public required bool IsResolved { get; set; }

    /// <summary>Its tokens; null until it is filled.</summary>
    public int[]? Tokens { get; set; }

    /// <summary>The log-probabilities of its tokens.</summary>
    public double[] LogProbabilities { get; set; } = [];

    /// <summary>The entropies of the distributions of its tokens; empty if they were not recorded.</summary>
    public double[] Entropies { get; set; } = [];

    /// <summary>The place of its first token in the order in which tokens were generated.</summary>
    public int FirstRank { get; set; }

    /// <summary>Its text, if it was chosen as a text; else its tokens are decoded.</summary>
    public string? Text { get; set; }

    public GapAccuracy Accuracy { get; set; }

    public GapMethod Method { get; set; }

    public ConditionalStatistics? Conditioning { get; set; }

    /// <summary>The log-probability of the end of an open gap.</summary>
    public double? EndLogProbability { get; set; }

    public IReadOnlyList<LengthProbability> Lengths { get; set; } = [];

    public IReadOnlyList<ChoiceProbability> Choices { get; set; } = [];

    /// <summary>The gap as a segment, filled or of its length.</summary>
    public TextSegment.Gap Shown => new(Length) { Filled = Tokens };
}
