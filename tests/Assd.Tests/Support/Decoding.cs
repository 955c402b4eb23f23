using AsArm.Assd.Constraints;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Support;

/// <summary>Creates samplers and runs them.</summary>
internal static class Decoding
{
    public static Sampler Create(
        SamplerKind kind, Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize, ConstrainedDraw? constraint = null, bool recordsEntropies = false, int? endToken = null, int? endRank = null) =>
        kind switch
        {
            SamplerKind.Sequential => new SequentialSampler(order, tokens, options, vocabularySize) { Constraint = constraint, RecordsEntropies = recordsEntropies, EndToken = endToken, EndRank = endRank ?? order.Length },
            SamplerKind.Assd => new AssdSampler(order, tokens, options, vocabularySize) { Constraint = constraint, RecordsEntropies = recordsEntropies, EndToken = endToken, EndRank = endRank ?? order.Length },
            SamplerKind.Ngram => new NgramSampler(order, tokens, options, vocabularySize) { Constraint = constraint, RecordsEntropies = recordsEntropies, EndToken = endToken, EndRank = endRank ?? order.Length },
            SamplerKind.Fused => new FusedSampler(
                order, tokens, options, vocabularySize, new AdaptiveDraftPolicy(new(1000, 1, 1)), NgramBytes.Table(vocabularySize, 3))
            { Constraint = constraint, RecordsEntropies = recordsEntropies, EndToken = endToken, EndRank = endRank ?? order.Length },
            SamplerKind.FusedTokenWise => new FusedSampler(
                order,
                tokens,
                options,
                vocabularySize,
                new FixedDraftPolicy(DraftSource.Product, 3, 2),
                ngrams: null,
                VerificationMethod.TokenWise)
            { Constraint = constraint, RecordsEntropies = recordsEntropies, EndToken = endToken, EndRank = endRank ?? order.Length },
            SamplerKind.FusedHead => new FusedSampler(
                order,
                tokens,
                options,
                vocabularySize,
                new AdaptiveDraftPolicy(new(1000, 1, 1)),
                NgramBytes.Table(vocabularySize, 3),
                head: RandomHead.Create(vocabularySize, RowModel.NumbersOfAState))
            { Constraint = constraint, RecordsEntropies = recordsEntropies, EndToken = endToken, EndRank = endRank ?? order.Length },
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    /// <summary>Runs a sampler until it is done, and returns it.</summary>
    public static T Run<T>(T sampler, IAnySubsetModel model, IRandomSource random)
        where T : Sampler
    {
        new SamplingLoop(model, [sampler], [random]).Run(CancellationToken.None);
        return sampler;
    }
}
