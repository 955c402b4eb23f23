using AsArm.Assd.Distributions;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Options of a request for candidates. Temperature, top-k, top-p and bans shape the distribution that the probabilities are of.</summary>
public sealed record CandidateOptions : SamplingOptions
{
    /// <summary>The default of <see cref="Count" />.</summary>
    public const int DefaultCount = 5;

    /// <summary>The maximum number of candidates for a gap, at least 1.</summary>
    public int Count { get; init; } = DefaultCount;

    /// <summary>Whether the text or the model determines the space before a gap; by default the text.</summary>
    public GapSpacing GapSpacing { get; init; } = GapSpacing.AsTyped;

    /// <summary>The time that the request may take, from its submission; positive. Null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }
}
