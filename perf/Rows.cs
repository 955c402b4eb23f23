using AsArm.Assd;

namespace AsArm.Perf;

/// <summary>Normal logits of such a width that a row has the entropy of a usable network, 4 nats at 32,000 tokens.</summary>
internal static class Rows
{
    public static float[] Random(int vocabularySize, long seed)
    {
        var coins = new SeededCoins(seed);
        var row = new float[vocabularySize];
        for (int i = 0; i < row.Length; i++)
            row[i] = (float)(3.5 * Math.Sqrt(-2 * Math.Log(1 - coins.Toss())) * Math.Cos(2 * Math.PI * coins.Toss()));
        return row;
    }
}
