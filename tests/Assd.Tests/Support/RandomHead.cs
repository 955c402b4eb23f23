using System.Collections.Concurrent;
using AsArm.Assd.DraftHeads;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Support;

/// <summary>Draft heads with random weights, which change logits by two or so: corrections that leave one token alone would hide all else.</summary>
internal static class RandomHead
{
    private const int Hidden = 6;
    private const int Rank = 4;

    private static readonly ConcurrentDictionary<(int, int), DraftHead> _heads = new();

    /// <summary>The random head for these sizes, always the same.</summary>
    public static DraftHead Create(int vocabularySize, int stateSize) =>
        _heads.GetOrAdd((vocabularySize, stateSize), sizes => new(Weights(sizes.Item1, sizes.Item2)));

    public static DraftHeadWeights Weights(int vocabularySize, int stateSize)
    {
        var random = new SplitMix64(vocabularySize);
        float[] Normal(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextGaussian())];
        sbyte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(_ => (sbyte)random.Next(-127, 127))];
        float[] Scales(float scale) => [.. Enumerable.Repeat(scale, vocabularySize)];
        return new DraftHeadWeights
        {
            Hidden = Normal(Hidden * (stateSize + (DraftHeadWeights.ContextTokens * Rank))),
            MissingTokens = Normal(DraftHeadWeights.ContextTokens * Rank),
            HiddenBias = Normal(Hidden),
            Output = Normal(Rank * Hidden),
            OutputBias = Normal(Rank),
            InputEmbedding = Bytes(vocabularySize * Rank),
            InputScales = Scales(1 / 64f),
            OutputEmbedding = Bytes(vocabularySize * Rank),
            OutputScales = Scales(1 / 900f),
            NgramExponent = 0.5f,
        };
    }
}
