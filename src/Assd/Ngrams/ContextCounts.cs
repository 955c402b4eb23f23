using AsArm.Assd.Distributions;
using AsArm.Assd.Models;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// What the sequence itself says of a token's successors (Guo &amp; Ermon 2025, Algorithm 2), over all positions whose tokens are
/// known. A pass over N tokens instead of a table: N is small, and tokens are decided in any order.
/// </summary>
internal static class ContextCounts
{
    /// <summary>How often a token has a known right neighbour.</summary>
    public static int Successors(SequenceState state, int knownBelow, int token)
    {
        int count = 0;
        for (int position = NextPair(state, knownBelow, token, 0); position >= 0; position = NextPair(state, knownBelow, token, position + 1))
            count++;
        return count;
    }

    /// <summary>Adds a weight to each known right neighbour of the token.</summary>
    public static void AddSuccessors(SequenceState state, int knownBelow, int token, SparseWeights weights, double weight)
    {
        for (int position = NextPair(state, knownBelow, token, 0); position >= 0; position = NextPair(state, knownBelow, token, position + 1))
            weights.Add(state.Tokens[position + 1], weight);
    }

    /// <summary>Adds a weight to each known token.</summary>
    public static void AddAll(SequenceState state, int knownBelow, SparseWeights weights, double weight)
    {
        foreach (int position in state.Order.Positions[..knownBelow])
            weights.Add(state.Tokens[position], weight);
    }

    /// <summary>The next position where the token stands and its right neighbour is known; -1 if there is none.</summary>
    private static int NextPair(SequenceState state, int knownBelow, int token, int start)
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
