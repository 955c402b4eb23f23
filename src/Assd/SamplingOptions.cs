namespace AsArm.Assd;

/// <summary>
/// How tokens are drawn. Temperature, top-k, top-p and bans define the law before any ratio is formed, for draft and oracle
/// alike, so that every exact sampler stays exact for the law so defined.
/// </summary>
public record SamplingOptions
{
    /// <summary>Logits are divided by it; positive and finite. 1 is the model's own law.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Keep only this many of the most probable tokens; null keeps all.</summary>
    public int? TopK { get; init; }

    /// <summary>Keep the fewest most probable tokens that together reach this probability, in (0, 1]; null keeps all.</summary>
    public double? TopP { get; init; }

    /// <summary>Tokens that never appear. The mask token belongs here.</summary>
    public IReadOnlyCollection<int> BannedTokens { get; init; } = [];

    /// <summary>
    /// k, the tokens drafted in a round; at least 1. Read by speculative samplers only; null leaves it to the sampler, which is
    /// <see cref="UsualDraftLength" /> where it has no plan.
    /// </summary>
    public int? DraftLength { get; init; }

    /// <summary>The k of samplers without a plan when none is set: that of the paper's first table.</summary>
    public const int UsualDraftLength = 5;

    /// <summary>Throws unless every value is in its range.</summary>
    /// <param name="vocabularySize">V, for the bans.</param>
    /// <exception cref="ArgumentOutOfRangeException">Names the option and its range.</exception>
    public void Validate(int vocabularySize)
    {
        Require(Temperature > 0 && double.IsFinite(Temperature), nameof(Temperature), Temperature, "must be a positive number");
        Require(TopK is null or >= 1, nameof(TopK), TopK, "must be at least 1");
        Require(TopP is null or (> 0 and <= 1), nameof(TopP), TopP, "must be in (0, 1]");
        Require(DraftLength is null or >= 1, nameof(DraftLength), DraftLength, "must be at least 1");
        foreach (int token in BannedTokens)
            Require((uint)token < (uint)vocabularySize, nameof(BannedTokens), token, $"must be within 0..{vocabularySize - 1}");
        Require(BannedTokens.Distinct().Count() < vocabularySize, nameof(BannedTokens), BannedTokens.Count, "must leave a token");
    }

    private static void Require(bool condition, string name, object? value, string range)
    {
        if (!condition)
            throw new ArgumentOutOfRangeException(name, value, $"{name} {range}.");
    }
}
