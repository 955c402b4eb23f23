namespace AsArm.Assd.Distributions;

/// <summary>
/// How tokens are drawn. Temperature, top-k, top-p and bans define the distribution before any ratio is formed, for draft and oracle
/// alike, so that every exact sampler stays exact for the distribution so defined.
/// </summary>
public record SamplingOptions
{
    private static readonly Dictionary<int, TokenSet> s_none = [];

    /// <summary>
    /// Logits are divided by it; finite and not negative. 1 is the model's own distribution. 0 is greedy decoding: the most probable token
    /// that is not banned, of equal ones the lowest id, whatever <see cref="TopK" />, <see cref="TopP" /> and the seed are. Log-probabilities of
    /// greedy decoding are reported under temperature 1 with the bans alone.
    /// </summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Whether <see cref="Temperature" /> is 0.</summary>
    public bool IsGreedy => Temperature == 0;

    /// <summary>Keep only this many of the most probable tokens; null keeps all.</summary>
    public int? TopK { get; init; }

    /// <summary>Keep the fewest most probable tokens that together reach this probability, in (0, 1]; null keeps all.</summary>
    public double? TopP { get; init; }

    /// <summary>Tokens that never appear. The mask token belongs here.</summary>
    public IReadOnlyCollection<int> BannedTokens { get; init; } = [];

    /// <summary>
    /// Tokens that never appear at single positions of a sequence, by position, beside <see cref="BannedTokens" />: the conditional of such a
    /// position is renormalised over what is left, in drafts as in tests. Entries for given positions have no effect. For samplers only: an
    /// infiller of texts sets it by itself and refuses it from callers, who know no positions.
    /// </summary>
    public IReadOnlyDictionary<int, TokenSet> BannedTokensAt { get; init; } = s_none;

    /// <summary>
    /// k, the tokens drafted in a speculation step; at least 1. Read by speculative samplers only; null leaves it to the sampler, which is
    /// <see cref="DefaultDraftLength" /> where it has no plan.
    /// </summary>
    public int? DraftLength { get; init; }

    /// <summary>The k of samplers without a plan when none is set: that of the paper's first table.</summary>
    public const int DefaultDraftLength = 5;

    /// <summary>Throws unless every value is in its range.</summary>
    /// <param name="vocabularySize">V, for the bans.</param>
    /// <exception cref="ArgumentOutOfRangeException">Names the option and its range.</exception>
    public void Validate(int vocabularySize)
    {
        Require(Temperature >= 0 && double.IsFinite(Temperature), nameof(Temperature), Temperature, "must be 0 (greedy) or a positive number");
        Require(TopK is null or >= 1, nameof(TopK), TopK, "must be at least 1");
        Require(TopP is null or (> 0 and <= 1), nameof(TopP), TopP, "must be in (0, 1]");
        Require(DraftLength is null or >= 1, nameof(DraftLength), DraftLength, "must be at least 1");
        foreach (int token in BannedTokens)
            Require((uint)token < (uint)vocabularySize, nameof(BannedTokens), token, $"must be within 0..{vocabularySize - 1}");
        var banned = new HashSet<int>(BannedTokens);
        Require(banned.Count < vocabularySize, nameof(BannedTokens), BannedTokens.Count, "must leave a token");
        foreach (TokenSet set in BannedTokensAt.Values.Distinct())
        {
            if (set.Tokens is [.., var last])
                Require(last < vocabularySize, nameof(BannedTokensAt), last, $"must be within 0..{vocabularySize - 1}");
            int left = vocabularySize - banned.Count;
            foreach (int token in set.Tokens)
                left -= banned.Contains(token) ? 0 : 1;
            Require(left > 0, nameof(BannedTokensAt), set.Tokens.Length, "and BannedTokens must leave a token for every position");
        }
    }

    /// <summary>What is banned at one position beside <see cref="BannedTokens" />; null for nothing.</summary>
    internal TokenSet? BannedAt(int position) => BannedTokensAt.TryGetValue(position, out TokenSet? banned) ? banned : null;

    private static void Require(bool condition, string name, object? value, string range)
    {
        if (!condition)
            throw new ArgumentOutOfRangeException(name, value, $"{name} {range}.");
    }
}
