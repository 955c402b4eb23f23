using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>The texts of all tokens that a gap may hold: those that begin with the space before a word apart from the others.</summary>
internal sealed class TokenTexts
{
    private readonly TokenBytes?[] _tokens; // by id

    /// <param name="vocabularySize">V of the network.</param>
    /// <param name="tokens">Tokens that are text.</param>
    public TokenTexts(int vocabularySize, IReadOnlyCollection<TokenBytes> tokens)
    {
        _tokens = new TokenBytes?[vocabularySize];
        foreach (TokenBytes token in tokens)
            _tokens[token.Token] = token;
        Marked = new TokenTrie(tokens.Where(token => token.HasMark));
        Unmarked = new TokenTrie(tokens.Where(token => !token.HasMark));
    }

    /// <summary>V.</summary>
    public int VocabularySize => _tokens.Length;

    /// <summary>Tokens that begin with a space, without that space.</summary>
    public TokenTrie Marked { get; }

    /// <summary>All other tokens.</summary>
    public TokenTrie Unmarked { get; }

    /// <summary>A token; null if it is not text.</summary>
    public TokenBytes? Of(int token) => _tokens[token];

    /// <summary>The text of tokens; null if one of them is not text.</summary>
    /// <param name="tokens">Ids.</param>
    /// <param name="isSpaceShown">Whether the space at the start is left out.</param>
    public string? TextOf(ReadOnlySpan<int> tokens, bool isSpaceShown)
    {
        var bytes = new List<byte>();
        foreach (int token in tokens)
        {
            if (_tokens[token] is not TokenBytes text)
                return null;
            if (text.HasMark && !isSpaceShown)
                bytes.Add((byte)' ');
            bytes.AddRange(text.Bytes);
            isSpaceShown = text.IsWhiteSpace;
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>Whether a token is white space after which the space of the next word is not shown.</summary>
    public bool IsWhiteSpace(int token) => _tokens[token] is { IsWhiteSpace: true };
}
