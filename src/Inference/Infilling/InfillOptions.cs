using AsArm.Assd.Distributions;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// How a text is filled. Every combination is exact for the distribution that temperature, top-k, top-p, bans and
/// <see cref="GapSpacing" /> define, except with
/// <see cref="SamplerKind.Parallel" />.
/// </summary>
public sealed record InfillOptions : SamplingOptions
{
    /// <summary>Which sampler decides the tokens.</summary>
    public SamplerKind Sampler { get; init; } = SamplerKind.Fused;

    /// <summary>In which order the unknown tokens are decided.</summary>
    public DecodingOrder Order { get; init; } = DecodingOrder.LeftToRight;

    /// <summary>Who decides whether there is a space before a gap: by default the text as it was typed.</summary>
    public GapSpacing GapSpacing { get; init; } = GapSpacing.AsTyped;

    /// <summary>
    /// The same seed gives the same text on the same machine, with <see cref="SamplerKind.Fused" /> as long as <see cref="DraftMode" /> is the
    /// same; null draws a seed, which the result names.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>
    /// What <see cref="SamplerKind.Fused" /> optimises. Null is <see cref="Infilling.DraftMode.Throughput" /> in a batch of two and more and in
    /// <see cref="TextInfiller.InfillMany" />, whatever the others are, else <see cref="Infilling.DraftMode.Latency" />; the mode that it had in a batch repeats such a text alone by its seed.
    /// </summary>
    public DraftMode? DraftMode { get; init; }

    /// <summary>
    /// Fills a text that is longer than the model takes window by window, from left to right: in each the model sees its gaps and as much
    /// text on both sides as it takes, in which what was filled before is given. Samples are exact within each window given its text; they
    /// are no samples of the joint distribution over the whole text, and the statistics are sums. A text that the model takes is filled as
    /// without it.
    /// </summary>
    public bool Window { get; init; }

    /// <summary>
    /// What a forward pass costs beside the tokens that it processes, in such tokens; positive. The more it is, the more <see cref="SamplerKind.Fused" /> drafts.
    /// Null takes the figure in asarm.json (<see cref="PassOverhead" />), or a neutral one without it.
    /// </summary>
    public double? ForwardPassOverhead { get; init; }

    /// <summary>Throws unless every value is in its range.</summary>
    /// <param name="vocabularySize">V, for the bans.</param>
    /// <exception cref="ArgumentOutOfRangeException">Names the option and its range.</exception>
    internal void RequireRanges(int vocabularySize)
    {
        Validate(vocabularySize);
        Require(ForwardPassOverhead is null || (ForwardPassOverhead > 0 && double.IsFinite(ForwardPassOverhead.Value)), nameof(ForwardPassOverhead), ForwardPassOverhead, "must be a positive number");
        Require(DraftMode is null || Enum.IsDefined(DraftMode.Value), nameof(DraftMode), DraftMode, "is no such mode");
        Require(Enum.IsDefined(Sampler), nameof(Sampler), Sampler, "is no such sampler");
        Require(Enum.IsDefined(Order), nameof(Order), Order, "is no such order");
        Require(Enum.IsDefined(GapSpacing), nameof(GapSpacing), GapSpacing, "is no such gap spacing");
    }

    /// <summary>Throws if the caller has set <see cref="SamplingOptions.BannedTokensAt" />, which the infiller does by the text.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the option.</exception>
    internal void RequireNoPositions() =>
        Require(BannedTokensAt.Count == 0, nameof(BannedTokensAt), BannedTokensAt.Count, "is for samplers: a text has no positions to name");

    /// <summary>Throws unless the bans leave a token for the first token of every gap, which the text before it restricts.</summary>
    /// <param name="vocabularySize">V.</param>
    /// <exception cref="ArgumentOutOfRangeException">Names the bans.</exception>
    internal void RequireTokensAt(int vocabularySize)
    {
        var banned = new HashSet<int>(BannedTokens);
        foreach (TokenSet set in BannedTokensAt.Values.Distinct())
        {
            int left = vocabularySize - banned.Count;
            foreach (int token in set.Tokens)
                left -= banned.Contains(token) ? 0 : 1;
            Require(left > 0, nameof(BannedTokens), BannedTokens.Count, "must leave a token that can begin a gap right after the text before it");
        }
    }

    private static void Require(bool condition, string name, object? value, string range)
    {
        if (!condition)
            throw new ArgumentOutOfRangeException(name, value, $"{name} {range}.");
    }
}
