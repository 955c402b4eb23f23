using System.Text.Json.Serialization;
using AsArm.Assd.Planning;

namespace AsArm.Inference.ModelFolders;

/// <summary>
/// `drafting` of asarm.json: measured figures of a model, by which the sampler `fused` plans what to draft. They decide how
/// many forward passes a text takes and which of the samples a seed gives, never the distribution. What is missing has a neutral value.
/// </summary>
public sealed record DraftingFigures
{
    /// <summary>Expected acceptance of draft tokens.</summary>
    public AcceptanceFigures? Acceptance { get; init; }

    /// <summary>As many counts of the sequence's own successors ngrams.bin is worth.</summary>
    public double? CorpusWeight { get; init; }

    /// <summary>What a forward pass costs beside its tokens.</summary>
    public OverheadFigures? ForwardPassOverhead { get; init; }

    /// <summary>What a plan starts from.</summary>
    [JsonIgnore]
    internal DraftAcceptance DraftAcceptance => Acceptance?.ToDraftAcceptance() ?? DraftAcceptance.Neutral;

    /// <summary>The first field that is out of its range; null if none is.</summary>
    internal string? FirstInvalidField() =>
        Acceptance?.FirstInvalidField() is string rates ? $"acceptance.{rates}" :
        CorpusWeight is not null && !IsFactor(CorpusWeight.Value) ? "corpus_weight" :
        ForwardPassOverhead?.FirstInvalidField() is string overhead ? $"forward_pass_overhead.{overhead}" :
        null;

    /// <summary>Positive, and such that no product of a few of them overflows.</summary>
    internal static bool IsFactor(double value) => value is >= 1e-6 and <= 1e6;
}
