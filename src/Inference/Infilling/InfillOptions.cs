using AsArm.Assd.Constraints;
using AsArm.Assd.Distributions;
using AsArm.Inference.Constraints;
using AsArm.Inference.Gaps;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Options of a request. Every combination samples exactly from the distribution that temperature, top-k, top-p, bans, biases and
/// <see cref="GapSpacing" /> define, except with <see cref="SamplerKind.Parallel" />.
/// </summary>
public sealed record InfillOptions : SamplingOptions
{
    private const int LimitOfTries = 100_000;
    internal const int LimitOfParticles = 10_000;

    /// <summary>The sampler.</summary>
    public SamplerKind Sampler { get; init; } = SamplerKind.Fused;

    /// <summary>The order in which targets are decoded.</summary>
    public DecodingOrder Order { get; init; } = DecodingOrder.LeftToRight;

    /// <summary>Whether the text or the model determines the space before a gap; by default the text.</summary>
    public GapSpacing GapSpacing { get; init; } = GapSpacing.AsTyped;

    /// <summary>
    /// The seed of the random numbers. The same seed gives the same text on the same machine; with <see cref="SamplerKind.Fused" /> the
    /// <see cref="DraftMode" /> must be the same too. Null draws a seed, which the result contains.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>
    /// What the draft policy of <see cref="SamplerKind.Fused" /> optimises. Null selects <see cref="Infilling.DraftMode.Throughput" /> for requests of
    /// batches (<see cref="TextInfiller.InfillBatch" /> with one request excepted), else <see cref="TextInfillerOptions.DraftMode" />. To reproduce a text of a batch
    /// alone, set the mode of the batch along with the seed.
    /// </summary>
    public DraftMode? DraftMode { get; init; }

    /// <summary>
    /// Fills a text that is longer than the model takes window by window, from left to right. In each window the model sees some gaps and as
    /// much text on both sides as fits; text that was filled in earlier windows is given. Samples are exact for each window given its text, but
    /// are not samples of the joint distribution over the whole text. The statistics are sums. The option has no effect on texts that fit.
    /// </summary>
    public bool Window { get; init; }

    /// <summary>
    /// The probability that the filling of a gap must have (<see cref="InfilledGap.Probability" />), in (0, 1]: that after temperature, top-k and top-p, so that a small
    /// top-k or temperature leaves nothing open. A gap whose filling has less stays open (<see cref="InfilledGap.Abstained" />, <see cref="InfillResult.OpenPrompt" />); what was
    /// sampled does not change, and other gaps were filled given that filling. A text with a gap that has to meet a condition (a pattern, characters or a name) is refused:
    /// the probability of a filling given its condition is not known. Null for none.
    /// </summary>
    public double? MinProbability { get; init; }

    /// <summary>
    /// Whether the tokens of the result have the entropies of their distributions (<see cref="TokenScore.Entropy" />), before any condition that a gap has to meet. It takes no forward pass, but each
    /// distribution is read once more.
    /// </summary>
    public bool Entropies { get; init; }

    /// <summary>How lengths are found of gaps whose length is not known.</summary>
    public LengthOptions Lengths { get; init; } = new();

    /// <summary>The words that gaps are made of, but for those with a list of choices; null for any.</summary>
    public WordList? OnlyWords { get; init; }

    /// <summary>Characters that gaps do without, but for those with a list of choices.</summary>
    public CharacterKinds ExcludedCharacters { get; init; }

    /// <summary>
    /// The largest number of tries in which gaps are filled exactly that have to meet a condition, up to 100,000: by rejection. With the default a condition of probability
    /// 1 % is met with probability 92 % at least. After them, and with 0 at once, the filling is an estimate by <see cref="Particles" />.
    /// </summary>
    public int MaxTries { get; init; } = ConditionalSampling.DefaultMaxTries;

    /// <summary>The number of weighted samples from which the filling of such gaps is resampled if no try was kept, 1 to 10,000.</summary>
    public int Particles { get; init; } = ConditionalSampling.DefaultParticles;

    /// <summary>The time that the request may take, from its submission; positive. Null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// The forward-pass overhead, in units of one processed token; positive. The larger it is, the more <see cref="SamplerKind.Fused" /> drafts.
    /// Null takes the measured one of asarm.json (<see cref="PassOverhead" />), or a neutral value.
    /// </summary>
    public double? ForwardPassOverhead { get; init; }

    /// <summary>What all gaps have to meet.</summary>
    internal GapConditions Conditions => new(OnlyWords, ExcludedCharacters);

    /// <summary>Throws unless all values are in range.</summary>
    /// <param name="vocabularySize">V, for the bans.</param>
    /// <exception cref="ArgumentOutOfRangeException">Names the option and its range.</exception>
    internal void RequireRanges(int vocabularySize)
    {
        Validate(vocabularySize);
        Require(ForwardPassOverhead is null || (ForwardPassOverhead > 0 && double.IsFinite(ForwardPassOverhead.Value)), nameof(ForwardPassOverhead), ForwardPassOverhead, "must be a positive number");
        RequireTimeout(Timeout);
        Require(MaxTries is >= 0 and <= LimitOfTries, nameof(MaxTries), MaxTries, $"must be within 0..{LimitOfTries}");
        Require(Particles is >= 1 and <= LimitOfParticles, nameof(Particles), Particles, $"must be within 1..{LimitOfParticles}");
        Require(MinProbability is null or (> 0 and <= 1), nameof(MinProbability), MinProbability, "must be in (0, 1]");
        ArgumentNullException.ThrowIfNull(Lengths);
        Lengths.Validate();
        Require(DraftMode is null || Enum.IsDefined(DraftMode.Value), nameof(DraftMode), DraftMode, "is not a draft mode");
        Require(Enum.IsDefined(Sampler), nameof(Sampler), Sampler, "is not a sampler");
        Require(Enum.IsDefined(Order), nameof(Order), Order, "is not a decoding order");
        RequireGapSpacing(GapSpacing);
    }

    /// <summary>Throws unless a gap spacing is one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the option.</exception>
    internal static void RequireGapSpacing(GapSpacing spacing) => Require(Enum.IsDefined(spacing), nameof(GapSpacing), spacing, "is not a gap spacing");

    /// <summary>Throws unless a timeout is positive and not longer than a timer takes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the option and its range.</exception>
    internal static void RequireTimeout(TimeSpan? timeout) =>
        Require(timeout is null || (timeout > TimeSpan.Zero && timeout < TimeSpan.FromDays(49)), nameof(Timeout), timeout, "must be positive, and less than 49 days");

    /// <summary>Throws if the caller has set <see cref="SamplingOptions.BannedTokensAt" />, which the infiller sets itself.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the option.</exception>
    internal void RequireNoPositions() =>
        Require(BannedTokensAt.Count == 0, nameof(BannedTokensAt), BannedTokensAt.Count, "cannot be set for a text, which has no positions");

    /// <summary>Throws unless the bans leave a possible first token for every gap, given the text before it.</summary>
    /// <param name="options">The options with all bans.</param>
    /// <param name="vocabularySize">V.</param>
    /// <exception cref="ArgumentOutOfRangeException">Names the bans.</exception>
    internal static void RequireTokensAt(SamplingOptions options, int vocabularySize)
    {
        var banned = new HashSet<int>(options.BannedTokens);
        foreach (TokenSet set in options.BannedTokensAt.Values.Distinct())
        {
            int left = vocabularySize - banned.Count;
            foreach (int token in set.Tokens)
                left -= banned.Contains(token) ? 0 : 1;
            Require(left > 0, nameof(BannedTokens), options.BannedTokens.Count, "must leave a token that can begin a gap right after the text before it");
        }
    }

    /// <summary>Throws unless a condition holds for an option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Names the option and its range.</exception>
    internal static void Require(bool condition, string name, object? value, string range)
    {
        if (!condition)
            throw new ArgumentOutOfRangeException(name, value, $"{name} {range}.");
    }
}
