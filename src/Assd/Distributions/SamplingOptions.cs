namespace AsArm.Assd.Distributions;

/// <summary>
/// Sampling parameters of one sequence. Temperature, top-k, top-p and bans are applied to every row of logits, of drafts and oracles,
/// before acceptance is computed: exact samplers are exact for the distribution that they define.
/// </summary>
public record SamplingOptions
{
    private static readonly Dictionary<int, TokenSet> s_noBans = [];
    private static readonly Dictionary<int, double> s_noBias = [];

    /// <summary>
    /// The divisor of the logits; finite and not negative. 1 is the model's own distribution. 0 is greedy decoding: the most probable token
    /// that is not banned, the lowest id among equals, whatever <see cref="TopK" />, <see cref="TopP" /> and the seed are.
    /// Log-probabilities of greedy decoding are those under temperature 1 with bans and <see cref="LogitBias" /> alone.
    /// </summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Whether <see cref="Temperature" /> is 0.</summary>
    public bool IsGreedy => Temperature == 0;

    /// <summary>The number of most probable tokens to keep, at least 1; null keeps all.</summary>
    public int? TopK { get; init; }

    /// <summary>
    /// Keeps the smallest set of most probable tokens whose probabilities sum to at least this, in (0, 1]; null keeps all.
    /// </summary>
    public double? TopP { get; init; }

    /// <summary>Tokens that are never generated, such as the mask token.</summary>
    public IReadOnlyCollection<int> BannedTokens { get; init; } = [];

    /// <summary>
    /// Tokens that are never generated at a position, by position, in addition to <see cref="BannedTokens" />. The conditional of such a
    /// position is renormalised over the remaining tokens, in drafts and oracles. Entries for given positions have no effect. For callers
    /// of samplers only: a text infiller sets it itself and refuses it in its options, since its callers do not know positions.
    /// </summary>
    public IReadOnlyDictionary<int, TokenSet> BannedTokensAt { get; init; } = s_noBans;

    /// <summary>The maximum absolute value of a <see cref="LogitBias" />; larger ones would cost the other logits their precision in float32.</summary>
    public const double MaxLogitBias = 100;

    /// <summary>
    /// By token: what is added to its logit before bans, temperature, top-k and top-p, in drafts and oracles alike; from -<see cref="MaxLogitBias" /> to
    /// <see cref="MaxLogitBias" />. It defines the distribution that exact samplers sample, also that of log-probabilities in greedy decoding.
    /// </summary>
    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = s_noBias;

    /// <summary>
    /// k, the number of draft tokens of a speculation step; at least 1. Read by speculative samplers only. With null, a sampler without a
    /// draft policy uses <see cref="DefaultDraftLength" />.
    /// </summary>
    public int? DraftLength { get; init; }

    /// <summary>The default k of samplers without a draft policy (Guo &amp; Ermon 2025, Table 1).</summary>
    public const int DefaultDraftLength = 5;

    /// <summary>Throws if a value is out of its range.</summary>
    /// <param name="vocabularySize">V, for the bans.</param>
    /// <exception cref="ArgumentOutOfRangeException">Names the option and its range.</exception>
    /// <exception cref="ArgumentNullException">A collection is null.</exception>
    public void Validate(int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(BannedTokens);
        ArgumentNullException.ThrowIfNull(BannedTokensAt);
        ArgumentNullException.ThrowIfNull(LogitBias);
        foreach ((int token, double bias) in LogitBias)
        {
            Require((uint)token < (uint)vocabularySize, nameof(LogitBias), token, $"must have tokens within 0..{vocabularySize - 1}");
            Require(Math.Abs(bias) <= MaxLogitBias, nameof(LogitBias), bias, $"must be from -{MaxLogitBias} to {MaxLogitBias}");
        }

        Require(Temperature >= 0 && double.IsFinite(Temperature), nameof(Temperature), Temperature, "must be 0 (greedy) or a positive number");
        Require(TopK is null or >= 1, nameof(TopK), TopK, "must be at least 1");
        Require(TopP is null or (> 0 and <= 1), nameof(TopP), TopP, "must be in (0, 1]");
        Require(DraftLength is null or >= 1, nameof(DraftLength), DraftLength, "must be at least 1");
        foreach (int token in BannedTokens)
            Require((uint)token < (uint)vocabularySize, nameof(BannedTokens), token, $"must be within 0..{vocabularySize - 1}");
        var banned = new HashSet<int>(BannedTokens);
        Require(banned.Count < vocabularySize, nameof(BannedTokens), BannedTokens.Count, "must leave at least one token");
        foreach (TokenSet set in BannedTokensAt.Values.Distinct())
        {
            if (set.Tokens is [.., var last])
                Require(last < vocabularySize, nameof(BannedTokensAt), last, $"must be within 0..{vocabularySize - 1}");
            int left = vocabularySize - banned.Count;
            foreach (int token in set.Tokens)
                left -= banned.Contains(token) ? 0 : 1;
            Require(left > 0, nameof(BannedTokensAt), set.Tokens.Length, "and BannedTokens must leave at least one token for every position");
        }
    }

    /// <summary>The tokens banned at one position in addition to <see cref="BannedTokens" />; null if there are none.</summary>
    internal TokenSet? BannedAt(int position) => BannedTokensAt.TryGetValue(position, out TokenSet? banned) ? banned : null;

    private static void Require(bool condition, string name, object? value, string range)
    {
        if (!condition)
            throw new ArgumentOutOfRangeException(name, value, $"{name} {range}.");
    }
}
