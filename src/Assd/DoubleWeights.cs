namespace AsArm.Assd;

/// <summary>Draws from unnormalised weights with float64 sums, for distributions whose very numbers enter a test.</summary>
internal static class DoubleWeights
{
    /// <summary>The sum of float32 weights [V].</summary>
    public static double Total(ReadOnlySpan<float> weights)
    {
        double total = 0;
        foreach (float weight in weights)
            total += weight;
        return total;
    }

    /// <summary>Inverts the cumulative sum; never an index of weight zero, -1 if there is no other.</summary>
    /// <param name="weights">[V] not negative.</param>
    /// <param name="goal">A coin times the sum.</param>
    public static int Sample(ReadOnlySpan<float> weights, double goal)
    {
        double cumulative = 0;
        int last = -1;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0)
                continue;
            cumulative += weights[i];
            last = i;
            if (cumulative > goal)
                break;
        }

        return last;
    }

    /// <inheritdoc cref="Sample(ReadOnlySpan{float}, double)" />
    public static int Sample(ReadOnlySpan<double> weights, double goal)
    {
        double cumulative = 0;
        int last = -1;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0)
                continue;
            cumulative += weights[i];
            last = i;
            if (cumulative > goal)
                break;
        }

        return last;
    }
}
