using AsArm.Assd.Distributions;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Options of a request for candidates. Temperature, top-k, top-p and bans shape the distribution that the probabilities are of; at temperature 0 it is that of temperature 1,
/// without top-k and top-p.
/// </summary>
public sealed record CandidateOptions : SamplingOptions
{
    /// <summary>The default of <see cref="Count" />.</summary>
    public const int DefaultCount = 5;

    /// <summary>The default of <see cref="Beams" />.</summary>
    public const int DefaultBeams = 32;

    /// <summary>The maximum of <see cref="Beams" />, and of <see cref="Count" /> for gaps of several tokens.</summary>
    public const int MaxBeams = 1_024;

    /// <summary>The maximum number of sequences that the search for the fillings of all gaps of a text may evaluate: one for each beam and token after the first.</summary>
    public const int MaxSequences = 131_072;

    /// <summary>The maximum number of candidates of all gaps of a text together.</summary>
    public const int MaxFillings = 65_536;

    /// <summary>The maximum number of candidates for a gap, at least 1.</summary>
    public int Count { get; init; } = DefaultCount;

    /// <summary>
    /// The number of beginnings of fillings that are kept in the search for the fillings of gaps of several tokens, from 1 to <see cref="MaxBeams" />; never fewer
    /// than <see cref="Count" />. With more of them the search takes longer and misses less.
    /// </summary>
    public int Beams { get; init; } = DefaultBeams;

    /// <summary>How the lengths of a gap of unknown length are weighed.</summary>
    public LengthOptions Lengths { get; init; } = new();

    /// <summary>Whether the text or the model determines the space before a gap; by default the text.</summary>
    public GapSpacing GapSpacing { get; init; } = GapSpacing.AsTyped;

    /// <summary>The time that the request may take, from its submission; positive. Null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The number of beginnings that are kept.</summary>
    internal int SearchBeams => Math.Max(Count, Beams);

    /// <summary>Throws unless all values are in range.</summary>
    /// <param name="vocabularySize">V, for the bans.</param>
    /// <exception cref="ArgumentOutOfRangeException">Names the option.</exception>
    internal void RequireRanges(int vocabularySize)
    {
        Validate(vocabularySize);
        InfillOptions.RequireGapSpacing(GapSpacing);
        ArgumentNullException.ThrowIfNull(Lengths);
        Lengths.Validate();
        InfillOptions.Require(Lengths.Method == LengthMethod.Evidence, nameof(Lengths), Lengths.Method, "must be by evidence for candidates");
        ArgumentOutOfRangeException.ThrowIfLessThan(Count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Beams, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Beams, MaxBeams);
        InfillOptions.Require(BannedTokensAt.Count == 0, nameof(BannedTokensAt), BannedTokensAt.Count, "cannot be set for a text, which has no positions");
    }
}
