using AsArm.Assd.Randomness;

namespace AsArm.Perf;

/// <summary>Normal logits of such a width that a row has the entropy of a usable network, 4 nats at 32,000 tokens.</summary>
internal static class Rows
{
    public static float[] Random(int vocabularySize, long seed)
    {
        var random = new SplitMix64(seed);
        var row = new float[vocabularySize];
        for (int i = 0; i < row.Length; i++)
            row[i] = (float)(3.5 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return row;
    }
}
