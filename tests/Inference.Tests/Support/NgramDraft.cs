using AsArm.Inference.Tests.Exactness;

namespace AsArm.Inference.Tests.Support;

/// <summary>
/// The drafts of Algorithm 2: bigrams of the known tokens of the sequence itself, or unigrams if the left neighbour is never
/// followed by a known token. The recorded residuals confirm the counts.
/// </summary>
internal static class NgramDraft
{
    /// <summary>[k][V] The distributions from which the draft tokens of a speculation step were drawn.</summary>
    /// <param name="tokens">[Length] Tokens by position; draft tokens are written into it.</param>
    /// <param name="known">[Length] Whether a position is given or committed.</param>
    /// <param name="targets">[k] The positions of the targets.</param>
    /// <param name="draftTokens">[k] The draft tokens.</param>
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
