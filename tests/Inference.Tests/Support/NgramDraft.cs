using AsArm.Inference.Tests.Exactness;

namespace AsArm.Inference.Tests.Support;

/// <summary>
/// Algorithm 2's drafts: bigrams of the known tokens of the sequence itself, all known tokens where the left neighbour was
/// never followed. The recorded residuals confirm the counts.
/// </summary>
internal static class NgramDraft
{
    /// <summary>[k][V] the distributions that a speculation step's draft tokens were drawn from, one after another.</summary>
    /// <param name="tokens">[Length] by position; draft tokens are written into it.</param>
    /// <param name="known">[Length] given or decided.</param>
    /// <param name="targets">[k] positions.</param>
    /// <param name="draftTokens">[k] tokens.</param>
    public static float[][] Probabilities(int[] tokens, bool[] known, ReadOnlySpan<int> targets, int[] draftTokens)
    {
        int[] before = [.. tokens];
        var rows = new float[targets.Length][];
        for (int i = 0; i < targets.Length; i++)
        {
            var counts = new float[OfficialTrace.Vocabulary];
            for (int position = 1; position < tokens.Length; position++)
            {
                if (known[position - 1] && known[position] && before[position - 1] == tokens[targets[i] - 1])
                    counts[before[position]]++;
            }

            if (counts.Sum() == 0)
                CountAll(before, known, counts);
            float total = counts.Sum();
            rows[i] = [.. counts.Select(count => count / total)];
            tokens[targets[i]] = draftTokens[i];
        }

        return rows;
    }

    private static void CountAll(int[] tokens, bool[] known, float[] counts)
    {
        for (int position = 0; position < tokens.Length; position++)
        {
            if (known[position])
                counts[tokens[position]]++;
        }
    }
}
