using AsArm.Assd.DraftHeads;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Support;

/// <summary>Draft heads with random weights, which correct rows strongly.</summary>
internal static class RandomHead
{
    private const int Hidden = 6;
    private const int Rank = 4;

    public static DraftHead Create(int vocabularySize, int stateSize) => new(Weights(vocabularySize, stateSize));

    public static DraftHeadWeights Weights(int vocabularySize, int stateSize)
    {
        var random = new SplitMix64(vocabularySize);
        float[] Normal(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextGaussian())];
        sbyte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(_ => (sbyte)random.Next(-127, 127))];
        float[] Scales() => [.. Enumerable.Repeat(1 / 64f, vocabularySize)];
        return new DraftHeadWeights
        {
            Hidden = Normal(Hidden * (stateSize + (DraftHeadWeights.ContextTokens * Rank))),
            MissingTokens = Normal(DraftHeadWeights.ContextTokens * Rank),
            HiddenBias = Normal(Hidden),
            Output = Normal(Rank * Hidden),
            OutputBias = Normal(Rank),
            InputEmbedding = Bytes(vocabularySize * Rank),
            InputScales = Scales(),
            OutputEmbedding = Bytes(vocabularySize * Rank),
            OutputScales = Scales(),
            NgramExponent = 0.5f,
        };
    }
}
