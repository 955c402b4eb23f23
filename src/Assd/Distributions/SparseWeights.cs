namespace AsArm.Assd.Distributions;

/// <summary>
/// Weights of a few of V tokens, zero for all others. Adding, reading and clearing take constant time: a token is in the set if its index
/// lies within the list and the list has the token at that index, so the arrays need no initialisation
/// (Briggs and Torczon 1993, "An efficient representation for sparse sets").
/// </summary>
internal sealed class SparseWeights(int vocabularySize)
{
    private readonly int[] _indices = GC.AllocateUninitializedArray<int>(vocabularySize);
    private readonly int[] _tokens = GC.AllocateUninitializedArray<int>(vocabularySize);
    private readonly double[] _weights = GC.AllocateUninitializedArray<double>(vocabularySize);
    private int _count;

    /// <summary>The tokens added, each once.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, _count);

    /// <summary>The weights of <see cref="Tokens" />.</summary>
    public Span<double> Weights => _weights.AsSpan(0, _count);

    public double this[int token] => Contains(token) ? _weights[_indices[token]] : 0;

    public void Clear() => _count = 0;

    public void Add(int token, double weight)
    {
        if (Contains(token))
        {
            _weights[_indices[token]] += weight;
            return;
        }

        _indices[token] = _count;
        _tokens[_count] = token;
        _weights[_count++] = weight;
    }

    private bool Contains(int token)
    {
        int index = _indices[token];
        return (uint)index < (uint)_count && _tokens[index] == token;
    }
}
