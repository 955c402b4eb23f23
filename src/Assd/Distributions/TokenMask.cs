using System.Numerics.Tensors;

namespace AsArm.Assd.Distributions;

/// <summary>An immutable set of allowed tokens, which distributions are restricted to.</summary>
public sealed class TokenMask
{
    private const int SparseShare = 16; // below a sixteenth of the vocabulary a list is shorter and faster than a vector

    private readonly int[] _tokens;
    private readonly float[]? _weights; // [V] 1 for allowed tokens, else 0; null for few tokens

    /// <summary>Creates a set.</summary>
    /// <param name="vocabularySize">V.</param>
    /// <param name="tokens">The allowed tokens, each once.</param>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary.</exception>
    public TokenMask(int vocabularySize, IReadOnlyCollection<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)vocabularySize)
                throw new ArgumentOutOfRangeException(nameof(tokens), token, $"A token must be within 0..{vocabularySize - 1}.");
        }

        Count = tokens.Count;
        if (Count < vocabularySize / SparseShare)
        {
            _tokens = [.. tokens];
            return;
        }

        _tokens = [];
        _weights = new float[vocabularySize];
        foreach (int token in tokens)
            _weights[token] = 1;
    }

    /// <summary>Number of allowed tokens.</summary>
    public int Count { get; }

    /// <summary>Memory that it takes, in bytes.</summary>
    public int Bytes => (_tokens.Length * sizeof(int)) + ((_weights?.Length ?? 0) * sizeof(float)) + 64;

    /// <summary>Sets the weights of all other tokens to 0.</summary>
    /// <returns>The sum of the weights that are left.</returns>
    internal double Restrict(Span<float> weights)
    {
        if (_weights is not null)
        {
            TensorPrimitives.Multiply(weights, _weights, weights);
            return Probabilities.TotalWeight(weights);
        }

        Keep(weights, 0);
        return Mass(weights);
    }

    /// <summary>Sets the logits of all other tokens to minus infinity.</summary>
    internal void Mask(Span<float> logits)
    {
        if (_weights is not null)
        {
            for (int token = 0; token < logits.Length; token++)
                logits[token] = _weights[token] != 0 ? logits[token] : float.NegativeInfinity;
            return;
        }

        Keep(logits, float.NegativeInfinity);
    }

    /// <summary>The sum of the weights of the allowed tokens.</summary>
    internal double Mass(ReadOnlySpan<float> weights)
    {
        if (_weights is not null)
            return TensorPrimitives.Dot(weights, _weights);
        double sum = 0;
        foreach (int token in _tokens)
            sum += weights[token];
        return sum;
    }

    /// <summary>The allowed token with the largest logit that is not minus infinity, the lowest id among equals; -1 if there is none.</summary>
    internal int Mode(ReadOnlySpan<float> logits)
    {
        int mode = -1;
        float largest = float.NegativeInfinity;
        if (_weights is not null)
        {
            for (int token = 0; token < logits.Length; token++)
                Consider(token, logits[token], _weights[token] != 0, ref mode, ref largest);
        }

        foreach (int token in _tokens)
            Consider(token, logits[token], isAllowed: true, ref mode, ref largest);
        return mode;
    }

    /// <summary>Sets the values of all tokens that are not listed.</summary>
    private void Keep(Span<float> values, float others)
    {
        Span<float> kept = _tokens.Length <= 256 ? stackalloc float[_tokens.Length] : new float[_tokens.Length];
        for (int i = 0; i < kept.Length; i++)
            kept[i] = values[_tokens[i]];
        values.Fill(others);
        for (int i = 0; i < kept.Length; i++)
            values[_tokens[i]] = kept[i];
    }

    private static void Consider(int token, float logit, bool isAllowed, ref int mode, ref float largest)
    {
        if (isAllowed && (logit > largest || (logit == largest && token < mode)))
            (mode, largest) = (token, logit);
    }
}
