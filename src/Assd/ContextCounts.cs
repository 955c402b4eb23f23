namespace AsArm.Assd;

/// <summary>
/// What the sequence itself says of a token's successors (Guo &amp; Ermon 2025, Algorithm 2), over all positions whose tokens are
/// known. A pass over N tokens instead of a table: N is small, and tokens are decided in any order.
/// </summary>
internal static class ContextCounts
{
    /// <summary>How often a token has a known right neighbour.</summary>
    public static int Successors(SequenceCall call, int knownBelow, int token)
    {
        int count = 0;
        for (int i = 0; i < call.Tokens.Length - 1; i++)
        {
            if (IsPair(call, knownBelow, i, token))
                count++;
        }

        return count;
    }

    /// <summary>Adds a weight to each known right neighbour of the token.</summary>
    public static void AddSuccessors(SequenceCall call, int knownBelow, int token, SparseWeights weights, double weight)
    {
        for (int i = 0; i < call.Tokens.Length - 1; i++)
        {
            if (IsPair(call, knownBelow, i, token))
                weights.Add(call.Tokens[i + 1], weight);
        }
    }

    /// <summary>Adds a weight to each known token.</summary>
    public static void AddAll(SequenceCall call, int knownBelow, SparseWeights weights, double weight)
    {
        foreach (int position in call.Order.Positions[..knownBelow])
            weights.Add(call.Tokens[position], weight);
    }

    private static bool IsPair(SequenceCall call, int knownBelow, int position, int token) =>
        call.Tokens[position] == token && call.Order.Ranks[position] < knownBelow && call.Order.Ranks[position + 1] < knownBelow;
}
