namespace AsArm.Assd.Distributions;

/// <summary>An immutable set of token ids, which sequences can share.</summary>
public sealed class TokenSet
{
    private readonly int[] _tokens;
    private readonly bool[] _contains;

    /// <summary>Creates a set; duplicates are ignored.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A token is negative.</exception>
    public TokenSet(IEnumerable<int> tokens)
    {
        _tokens = [.. tokens.Distinct().Order()];
        if (_tokens is [< 0, ..])
            throw new ArgumentOutOfRangeException(nameof(tokens), _tokens[0], "A token must not be negative.");
        _contains = new bool[_tokens.Length == 0 ? 0 : _tokens[^1] + 1];
        foreach (int token in _tokens)
            _contains[token] = true;
    }

    /// <summary>The tokens, ascending.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    /// <summary>Whether a token is in the set.</summary>
    public bool Contains(int token) => (uint)token < (uint)_contains.Length && _contains[token];
}
