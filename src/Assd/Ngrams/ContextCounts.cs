using AsArm.Assd.Distributions;
using AsArm.Assd.Models;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// Bigram and unigram counts of the sequence itself (Guo &amp; Ermon 2025, Algorithm 2), over all known tokens. Counted anew for each draft
/// instead of kept in a table: sequences are short, and tokens are committed in any order.
/// </summary>
internal static class ContextCounts
{
    /// <summary>The number of known successors of a token.</summary>
    public static int Successors(SequenceState state, int knownBelow, int token)
    {
        int count = 0;
        for (int position = NextBigram(state, knownBelow, token, 0); position >= 0; position = NextBigram(state, knownBelow, token, position + 1))
            count++;
        return count;
    }

    /// <summary>Adds a weight for each known successor of a token.</summary>
    public static void AddSuccessors(SequenceState state, int knownBelow, int token, SparseWeights weights, double weight)
    {
        for (int position = NextBigram(state, knownBelow, token, 0); position >= 0; position = NextBigram(state, knownBelow, token, position + 1))
            weights.Add(state.Tokens[position + 1], weight);
    }

    /// <summary>Adds a weight for each known token.</summary>
    public static void AddAll(SequenceState state, int knownBelow, SparseWeights weights, double weight)
    {
        foreach (int position in state.Order.Positions[..knownBelow])
            weights.Add(state.Tokens[position], weight);
    }

    /// <summary>The next position that has this token, known, and a known right neighbour; -1 if there is none.</summary>
    private static int NextBigram(SequenceState state, int knownBelow, int token, int start)
    {
        ReadOnlySpan<int> tokens = state.Tokens[..^1], ranks = state.Order.Ranks;
        while (true)
        {
            int distance = tokens[start..].IndexOf(token);
            if (distance < 0)
                return -1;
            start += distance;
            if (ranks[start] < knownBelow && ranks[start + 1] < knownBelow)
                return start;
            start++;
        }
    }
}
