using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// The paper's encoding of code, asarm-code: a line feed, a tab and a pair of spaces are tokens of their own (&lt;cls&gt;, &lt;sep&gt;
/// and &lt;unk&gt;, as in the authors' program), with pairs formed from the left. The text between them is encoded with the spaces at its
/// edges, so that nothing is lost; the space mark of a word means no space right after a white space token or at the start.
/// </summary>
internal sealed class CodeEncoder
{
    private const char Space = '\u2581';
    private const string TwoSpaces = "  ";

    private readonly SentencePieceEncoder _encoder;
    private readonly XlnetEncoder? _rules;
    private readonly int _lineFeed;
    private readonly int _tab;
    private readonly int _twoSpaces;

    /// <summary>Finds the white space tokens.</summary>
    /// <exception cref="InvalidDataException">The tokenizer lacks one of them.</exception>
    public CodeEncoder(SentencePieceEncoder encoder, TextRules? rules)
    {
        _encoder = encoder;
        _rules = rules is null ? null : new XlnetEncoder(encoder, rules with { RemoveSpace = false });
        _twoSpaces = encoder.UnknownId;
        (_lineFeed, _tab) = (Known("<cls>"), Known("<sep>"));
        Known(Space.ToString());
    }

    /// <summary>The text of a white space token; null for any other token.</summary>
    public string? WhiteSpace(int token) =>
        token == _lineFeed ? "\n" : token == _tab ? "\t" : token == _twoSpaces ? TwoSpaces : null;

    /// <summary>Appends the tokens of a text.</summary>
    /// <param name="text">A text; lone surrogates count as U+FFFD.</param>
    /// <param name="edges"><see cref="TextEdges.KeptStart" /> or <see cref="TextEdges.KeptContinuation" />.</param>
    /// <param name="tokens">The list to append to.</param>
    /// <param name="unknownTexts">If it is not null, the characters of each token of two spaces are appended to it: characters without a piece have that token too.</param>
    /// <returns>False if a character has no piece; its token is then that of two spaces.</returns>
    public bool Encode(string text, TextEdges edges, List<int> tokens, List<string>? unknownTexts = null)
    {
        bool known = true;
        int start = 0;
        for (int at = 0; at < text.Length;)
        {
            (int token, int length) = text[at] switch
            {
                '\n' => (_lineFeed, 1),
                '\t' => (_tab, 1),
                ' ' when at + 1 < text.Length && text[at + 1] == ' ' => (_twoSpaces, 2),
                _ => (ByteTrie.None, 1),
            };
            if (token != ByteTrie.None)
            {
                known &= EncodeSection(text[start..at], edges, tokens, unknownTexts);
                tokens.Add(token);
                if (token == _twoSpaces)
                    unknownTexts?.Add(TwoSpaces);
                (start, edges) = (at + length, TextEdges.KeptStart);
            }

            at += length;
        }

        return known & EncodeSection(text[start..], edges, tokens, unknownTexts);
    }

    /// <summary>
    /// Where the last space of a text is encoded if another part follows: a single space after a word in the next word, one that is left over by pairs or
    /// follows other white space in no token, and a pair in its own token.
    /// </summary>
    public static SpaceAtEnd SpaceAtEnd(string text, bool isAfterGap)
    {
        int word = text.AsSpan().TrimEnd(' ').Length;
        bool isAfterWord = word == 0 ? isAfterGap : text[word - 1] is not ('\n' or '\t');
        return (text.Length - word) % 2 == 0 ? Tokenization.SpaceAtEnd.InTokens
            : text.Length - word == 1 && isAfterWord ? Tokenization.SpaceAtEnd.Carried
            : Tokenization.SpaceAtEnd.InNoToken;
    }

    private bool EncodeSection(string section, TextEdges edges, List<int> tokens, List<string>? unknownTexts)
    {
        int first = tokens.Count;
        if (section.Length > 0 && _rules is not null)
            _rules.EncodeSection(section, edges, tokens, unknownTexts);
        else if (section.Length > 0)
            _encoder.Encode(section, edges, tokens, unknownTexts);
        return tokens.IndexOf(_encoder.UnknownId, first) < 0;
    }

    private int Known(string piece)
    {
        int id = _encoder.IdOf(piece);
        return id != _encoder.UnknownId ? id : throw new InvalidDataException($"it has no piece {piece}, which {ModelManifest.CodeEncoding} needs");
    }
}
