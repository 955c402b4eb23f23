namespace AsArm.Assd.Distributions;

/// <summary>A token of a distribution.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Probability">Its probability.</param>
public readonly record struct TokenProbability(int Token, double Probability)
{
    /// <summary>The most probable tokens of a distribution, the most probable first and the lower id first among equals; none has probability 0.</summary>
    /// <param name="distribution">[V] probabilities.</param>
    /// <param name="count">The maximum number of tokens, at least 1.</param>
    public static TokenProbability[] Top(ReadOnlySpan<float> distribution, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var top = new PriorityQueue<int, (float, int)>(); // its first is the least probable of those that are kept
        for (int token = 0; token < distribution.Length; token++)
        {
            float probability = distribution[token];
            if (!(probability > 0))
                continue;
            if (top.Count < count)
                top.Enqueue(token, (probability, -token));
            else if (probability > distribution[top.Peek()])
                top.EnqueueDequeue(token, (probability, -token));
        }

        var result = new TokenProbability[top.Count];
        for (int i = result.Length - 1; i >= 0; i--)
        {
            int token = top.Dequeue();
            result[i] = new TokenProbability(token, distribution[token]);
        }

        return result;
    }
}
