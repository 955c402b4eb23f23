using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>A filled text.</summary>
/// <param name="Text">The whole text; given parts exactly as they were.</param>
/// <param name="Gaps">The text of each gap, in the order of the text, a leading space included.</param>
/// <param name="Statistics">Tokens, model calls, proposals and the log-probability of the generated tokens.</param>
/// <param name="Seed">Repeats this result, see <see cref="InfillOptions.Seed" />.</param>
/// <param name="Elapsed">Wall time from its first model call to its last; calls are shared with the others of a batch.</param>
public sealed record InfillResult(string Text, IReadOnlyList<string> Gaps, SamplingStatistics Statistics, long Seed, TimeSpan Elapsed)
{
    /// <summary>What became of the proposals of each source; empty but for <see cref="SamplerKind.Fused" />.</summary>
    public IReadOnlyDictionary<DraftSource, DraftCounts> Drafts { get; init; } = new Dictionary<DraftSource, DraftCounts>();

    /// <summary>The tokens behind the text.</summary>
    internal FilledSequence? Sequence { get; init; }
}

/// <summary>A sequence with all its targets decided, and the law that was asked for.</summary>
/// <param name="Order">Its order.</param>
/// <param name="Tokens">[Order.Length] by position.</param>
/// <param name="Law">Temperature, bans and the like.</param>
/// <param name="Model"><see cref="ModelManifest.Identity" /> of the model that filled it.</param>
internal sealed record FilledSequence(Order Order, int[] Tokens, SamplingOptions Law, string Model);
