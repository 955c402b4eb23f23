using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Support;

/// <summary>Other distributions from uniform random numbers.</summary>
internal static class RandomExtensions
{
    /// <summary>Uniform in 0..exclusive-1.</summary>
    public static int Next(this IRandomSource random, int exclusive) => (int)(random.NextDouble() * exclusive);

    /// <summary>Uniform in minimum..maximum.</summary>
    public static int Next(this IRandomSource random, int minimum, int maximum) => minimum + random.Next(maximum - minimum + 1);

    /// <summary>Standard normal (Box and Muller).</summary>
    public static double NextGaussian(this IRandomSource random)
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
        return radius * Math.Cos(2 * Math.PI * random.NextDouble());
    }

    /// <summary>[length] standard normal numbers times a scale.</summary>
    public static float[] NextRow(this IRandomSource random, int length, double scale = 1)
    {
        var row = new float[length];
        for (int i = 0; i < length; i++)
            row[i] = (float)(scale * random.NextGaussian());
        return row;
    }

    /// <summary>[length] true for given positions, each with the same probability.</summary>
    public static bool[] NextGiven(this IRandomSource random, int length, double rate)
    {
        var given = new bool[length];
        for (int i = 0; i < length; i++)
            given[i] = random.NextDouble() < rate;
        return given;
    }

    /// <summary>[length] uniform tokens.</summary>
    public static int[] NextTokens(this IRandomSource random, int length, int vocabularySize)
    {
        var tokens = new int[length];
        for (int i = 0; i < length; i++)
            tokens[i] = random.Next(vocabularySize);
        return tokens;
    }
}
