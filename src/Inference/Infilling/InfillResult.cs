using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A filled text.</summary>
/// <param name="Text">The whole text; given parts exactly as they were.</param>
/// <param name="Gaps">The text of each gap, in the order of the text; put in their places they give <paramref name="Text" />.</param>
/// <param name="Statistics">Tokens, forward passes, draft tokens and the log-probability of the generated tokens.</param>
/// <param name="Seed">Repeats this result, see <see cref="InfillOptions.Seed" />.</param>
/// <param name="Elapsed">Wall time from its first forward pass to its last; calls are shared with the others of a batch.</param>
public sealed record InfillResult(string Text, IReadOnlyList<string> Gaps, SamplingStatistics Statistics, long Seed, TimeSpan Elapsed)
{
    /// <summary>What became of the draft tokens of each source; empty but for <see cref="SamplerKind.Fused" />.</summary>
    public IReadOnlyDictionary<DraftSource, DraftCounts> Drafts { get; init; } = new Dictionary<DraftSource, DraftCounts>();

    /// <summary>What looks like a gap and was taken as given text, see <see cref="InfillPrompt.Warning" />; null if there is nothing of the kind.</summary>
    public string? Warning { get; init; }

    /// <summary>In how many windows it was filled, see <see cref="InfillOptions.Window" />.</summary>
    public int Windows => Math.Max(1, Sequences.Count);

    /// <summary>The tokens behind the text, a sequence a window.</summary>
    internal IReadOnlyList<FilledSequence> Sequences { get; init; } = [];
}

/// <summary>A sequence with all its targets decided, and the distribution that was asked for.</summary>
/// <param name="Order">Its order.</param>
/// <param name="Tokens">[Order.Length] by position.</param>
/// <param name="Distribution">Temperature, bans and the like.</param>
/// <param name="Model"><see cref="ModelManifest.Identity" /> of the model that filled it.</param>
internal sealed record FilledSequence(Order Order, int[] Tokens, SamplingOptions Distribution, string Model);
