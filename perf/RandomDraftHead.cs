using AsArm.Assd.DraftHeads;
using AsArm.Assd.Randomness;

namespace AsArm.Perf;

/// <summary>A draft head with random weights, of the width and rank of the default model's.</summary>
internal static class RandomDraftHead
{
    private const int Hidden = 768;
    private const int Rank = 192;

    public static DraftHead Create(int vocabularySize, int stateSize)
    {
        var random = new SplitMix64(1);
        float[] Uniform(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5) / 16)];
        sbyte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(_ => (sbyte)(random.NextDouble() * 255 - 127))];
        return new DraftHead(new DraftHeadWeights
        {
            Hidden = Uniform(Hidden * (stateSize + (DraftHeadWeights.ContextTokens * Rank))),
            MissingTokens = Uniform(DraftHeadWeights.ContextTokens * Rank),
            HiddenBias = Uniform(Hidden),
            Output = Uniform(Rank * Hidden),
            OutputBias = Uniform(Rank),
            InputEmbedding = Bytes(vocabularySize * Rank),
            InputScales = [.. Enumerable.Repeat(1 / 64f, vocabularySize)],
            OutputEmbedding = Bytes(vocabularySize * Rank),
            OutputScales = [.. Enumerable.Repeat(1 / 64f, vocabularySize)],
            NgramExponent = 0.5f,
        });
    }
}
