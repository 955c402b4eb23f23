using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A filled text.</summary>
/// <param name="Text">The whole text, with given text unchanged. Nothing in it is escaped, so that markup of gaps that stay open can only be told by <paramref name="Gaps" />: see <see cref="OpenPrompt" />.</param>
/// <param name="Gaps">The gaps, from left to right, with their texts, tokens, log-probabilities and places in <paramref name="Text" />.</param>
/// <param name="Statistics">Counts of tokens, forward passes and draft tokens, and the log-probability of the generated tokens.</param>
/// <param name="Seed">The seed, which reproduces the result, see <see cref="InfillOptions.Seed" />.</param>
/// <param name="Elapsed">Wall-clock time from the first forward pass to the last, including those of other sequences of the batch.</param>
public sealed record InfillResult(string Text, IReadOnlyList<InfilledGap> Gaps, SamplingStatistics Statistics, long Seed, TimeSpan Elapsed)
{
    /// <summary>Number of tokens that were given and generated.</summary>
    public TokenUsage Usage { get; init; } = new(0, Statistics.Generated);

    /// <summary>Time from the submission to the first forward pass.</summary>
    public TimeSpan QueueTime { get; init; }

    /// <summary>
    /// Time from the submission to the end of the forward pass that committed the first token; for gaps of which more or less than the number of tokens is known, to the
    /// last pass, before which none of their tokens is final.
    /// </summary>
    public TimeSpan TimeToFirstToken => QueueTime + (FirstTokenElapsed ?? Elapsed);

    /// <summary>Counts of draft tokens by source; empty except for <see cref="SamplerKind.Fused" />.</summary>
    public IReadOnlyDictionary<DraftSource, DraftCounts> Drafts { get; init; } = new Dictionary<DraftSource, DraftCounts>();

    /// <summary>A warning about given text that looks like a gap, see <see cref="InfillPrompt.Warning" />; null if there is none.</summary>
    public string? Warning { get; init; }

    /// <summary>
    /// The text with the gaps that stay open (<see cref="InfilledGap.Abstained" />), in which what the others were filled with is given: to be filled again, or
    /// written as markup, from which <see cref="InfillPrompt.Parse" /> gives the same segments. Null if no gap stays open.
    /// </summary>
    public InfillPrompt? OpenPrompt { get; init; }

    /// <summary>The number of windows, see <see cref="InfillOptions.Window" />.</summary>
    public int Windows => Math.Max(1, Sequences.Count);

    /// <summary>The part of <see cref="Elapsed" /> until the first token was committed; null for all of it.</summary>
    internal TimeSpan? FirstTokenElapsed { get; init; }

    /// <summary>The tokens of the text, one sequence per window.</summary>
    internal IReadOnlyList<FilledSequence> Sequences { get; init; } = [];
}
