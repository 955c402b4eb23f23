using AsArm.Assd.Planning;
using AsArm.Benchmarks.Samplers;
using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;

namespace AsArm.Benchmarks.Tables;

/// <summary>What a sampler did on the texts of a kind; null is what it does not have.</summary>
/// <param name="Text">The kind.</param>
/// <param name="Sampler">The sampler.</param>
public sealed record SamplerRow(TextKind Text, SamplerKind Sampler)
{
    /// <summary>Network function evaluations: a forward pass of a batch counts for each sequence.</summary>
    public required int ForwardPasses { get; init; }

    /// <summary>Tokens committed in a forward pass of one sequence.</summary>
    public required double TokensPerForwardPass { get; init; }

    /// <summary>Accepted draft tokens of those drawn.</summary>
    public double? AcceptedOfDrafted { get; init; }

    /// <summary>Draft tokens of n-grams.</summary>
    public SourceAcceptance? Ngram { get; init; }

    /// <summary>Draft tokens of the network.</summary>
    public SourceAcceptance? Network { get; init; }

    /// <summary>Draft tokens of the product of both.</summary>
    public SourceAcceptance? Product { get; init; }

    /// <summary>Draft tokens of the draft head.</summary>
    public SourceAcceptance? Head { get; init; }

    /// <summary>Content and query tokens of a forward pass of one sequence.</summary>
    public required double ProcessedPerForwardPass { get; init; }

    /// <summary>Of the whole requests.</summary>
    public required double MillisecondsPerToken { get; init; }

    /// <summary>After the first forward pass.</summary>
    public double? DecodingMillisecondsPerToken { get; init; }

    /// <summary>Tokens per forward pass relative to assd.</summary>
    public Estimate? TokensPerForwardPassOverAssd { get; init; }

    /// <summary>Speed relative to sequential.</summary>
    public Estimate? SpeedOverSequential { get; init; }

    /// <summary>Speed relative to assd.</summary>
    public Estimate? SpeedOverAssd { get; init; }

    /// <summary>Speed relative to sequential after the first forward pass.</summary>
    public Estimate? DecodingSpeedOverSequential { get; init; }

    /// <summary>Speed relative to assd after the first forward pass.</summary>
    public Estimate? DecodingSpeedOverAssd { get; init; }

    /// <summary>The row of a run.</summary>
    /// <param name="run">It has to have taken place.</param>
    /// <param name="text">The kind.</param>
    /// <param name="sampler">The sampler as users get it.</param>
    public static SamplerRow Of(SamplerRun run, TextKind text, SamplerKind sampler)
    {
        ArgumentNullException.ThrowIfNull(run);
        SamplerTally tally = run[text, sampler], assd = run[text, SamplerKind.Assd], sequential = run[text, SamplerKind.Sequential];
        return new(text, sampler)
        {
            ForwardPasses = tally.ForwardPasses,
            TokensPerForwardPass = tally.TokensPerForwardPass,
            AcceptedOfDrafted = NumberOrNull(tally.AcceptedOfDrafted),
            Ngram = SourceAcceptance.Of(tally.Drafts(DraftSource.Ngram)),
            Network = SourceAcceptance.Of(tally.Drafts(DraftSource.Network)),
            Product = SourceAcceptance.Of(tally.Drafts(DraftSource.Product)),
            Head = SourceAcceptance.Of(tally.Drafts(DraftSource.Head)),
            ProcessedPerForwardPass = tally.ProcessedPerForwardPass,
            MillisecondsPerToken = tally.MillisecondsPerToken,
            DecodingMillisecondsPerToken = NumberOrNull(tally.DecodingMillisecondsPerToken),
            TokensPerForwardPassOverAssd = tally.TokensPerForwardPassOver(assd),
            SpeedOverSequential = tally.SpeedOver(sequential),
            SpeedOverAssd = tally.SpeedOver(assd),
            DecodingSpeedOverSequential = tally.DecodingSpeedOver(sequential),
            DecodingSpeedOverAssd = tally.DecodingSpeedOver(assd),
        };
    }

    private static double? NumberOrNull(double value) => double.IsNaN(value) ? null : value;
}
