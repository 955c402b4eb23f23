namespace AsArm.Assd.Tests;

/// <summary>Other distributions made of coins.</summary>
internal static class CoinExtensions
{
    /// <summary>Uniform in 0..exclusive-1.</summary>
    public static int Next(this ICoinSource coins, int exclusive) => (int)(coins.Toss() * exclusive);

    /// <summary>Uniform in minimum..maximum.</summary>
    public static int Next(this ICoinSource coins, int minimum, int maximum) => minimum + coins.Next(maximum - minimum + 1);

    /// <summary>Standard normal (Box and Muller).</summary>
    public static double NextGaussian(this ICoinSource coins)
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - coins.Toss()));
        return radius * Math.Cos(2 * Math.PI * coins.Toss());
    }

    /// <summary>[length] normal numbers times a scale.</summary>
    public static float[] NextRow(this ICoinSource coins, int length, double scale = 1)
    {
        var row = new float[length];
        for (int i = 0; i < length; i++)
            row[i] = (float)(scale * coins.NextGaussian());
        return row;
    }

    /// <summary>[length] which positions are given, each with the same probability.</summary>
    public static bool[] NextGiven(this ICoinSource coins, int length, double rate)
    {
        var given = new bool[length];
        for (int i = 0; i < length; i++)
            given[i] = coins.Toss() < rate;
        return given;
    }

    /// <summary>[length] tokens.</summary>
    public static int[] NextTokens(this ICoinSource coins, int length, int vocabularySize)
    {
        var tokens = new int[length];
        for (int i = 0; i < length; i++)
            tokens[i] = coins.Next(vocabularySize);
        return tokens;
    }
}
