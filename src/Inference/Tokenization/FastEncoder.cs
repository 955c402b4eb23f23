using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// Encodes like Hugging Face's fast XLNet tokenizers, which are those of the library "tokenizers": the text is split at added tokens, the rest is
/// normalised and pre-tokenised into words, and each word is segmented by itself.
/// </summary>
internal sealed class FastEncoder : ITextEncoder
{
    private const char Mark = '\u2581';

    private readonly SentencePieceEncoder _vocabulary;
    private readonly FastNormalizer _normalizer;
    private readonly UnigramSegmenter _segmenter;
    private readonly AddedTokenFinder _inText;
    private readonly AddedTokenFinder _inNormalized;
    private readonly bool _splitsSpacesOnly;

    /// <summary>Builds the tables.</summary>
    /// <param name="model">The pieces and the character map.</param>
    /// <param name="vocabulary">Looks up pieces by name.</param>
    /// <param name="rules">Settings with the backend "tokenizers".</param>
    public FastEncoder(SentencePieceModel model, SentencePieceEncoder vocabulary, TextRules rules)
    {
        _vocabulary = vocabulary;
        _normalizer = new FastNormalizer(model, rules);
        _segmenter = UnigramSegmenter.ForFastTokenizer(model, rules.SplitDigitCommas);
        _splitsSpacesOnly = rules.SplitSpacesOnly;
        IEnumerable<AddedToken> tokens = rules.AddedTokens ?? [];
        _inText = new AddedTokenFinder(
            tokens.Where(token => !token.Normalized).Select(token => (model.Pieces[token.Id].Text, token)), char.IsWhiteSpace);
        _inNormalized = new AddedTokenFinder(
            tokens.Where(token => token.Normalized).Select(token => (_normalizer.Apply(model.Pieces[token.Id].Text), token))
                .Where(token => token.Item1.Length > 0),
            char.IsWhiteSpace);
    }

    /// <inheritdoc />
    public void Encode(string text, TextEdges edges, List<int> tokens, List<string>? unknownTexts = null)
    {
        bool startsWord = edges != TextEdges.Continuation;
        foreach ((Range section, int? token) in _inText.Split(text))
        {
            string normalized = _normalizer.Apply(text[section]);
            foreach ((Range part, int? inner) in _inNormalized.Split(normalized))
            {
                EncodeWords(normalized[part], startsWord, tokens, unknownTexts);
                startsWord |= Add(inner, tokens, unknownTexts);
            }

            startsWord |= Add(token, tokens, unknownTexts);
        }
    }

    /// <summary>Appends the tokens of a text that is already normalised and has the space marks of its words.</summary>
    /// <inheritdoc cref="Encode" />
    public void EncodeNormalized(string text, List<int> tokens, List<string>? unknownTexts) => EncodeMarked(text, startsWord: false, tokens, unknownTexts);

    private bool Add(int? token, List<int> tokens, List<string>? unknownTexts)
    {
        if (token is not int id)
            return false;
        tokens.Add(id);
        if (id == _vocabulary.UnknownId)
            unknownTexts?.Add(_vocabulary.TextOf(id));
        return true;
    }

    private void EncodeWords(string text, bool startsWord, List<int> tokens, List<string>? unknownTexts)
    {
        if (_splitsSpacesOnly)
        {
            EncodeMarked(text.Replace(' ', Mark), startsWord, tokens, unknownTexts);
            return;
        }

        for (int start = 0, end; start < text.Length; start = end + 1)
        {
            end = start;
            while (end < text.Length && !char.IsWhiteSpace(text[end]))
                end++;
            EncodeMarked(text[start..end], startsWord || start > 0, tokens, unknownTexts);
        }
    }

    /// <summary>Encodes a text in which each space mark begins a word.</summary>
    private void EncodeMarked(string text, bool startsWord, List<int> tokens, List<string>? unknownTexts)
    {
        if (text.Length == 0)
            return;
        if (startsWord && text[0] != Mark)
            text = Mark + text;
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = text.IndexOf(Mark, start + 1);
            end = end < 0 ? text.Length : end;
            EncodeWord(Encoding.UTF8.GetBytes(text, start, end - start), tokens, unknownTexts);
        }
    }

    /// <summary>Segments a word. Like the library, it looks up joined unknown characters by name once more.</summary>
    private void EncodeWord(byte[] word, List<int> tokens, List<string>? unknownTexts)
    {
        var pieces = new List<PlacedPiece>();
        _segmenter.Segment(word, pieces);
        foreach (PlacedPiece piece in pieces)
        {
            string? unknown = piece.Id == _vocabulary.UnknownId ? Encoding.UTF8.GetString(word[piece.Start..piece.End]) : null;
            int id = unknown is null ? piece.Id : _vocabulary.IdOf(unknown);
            tokens.Add(id);
            if (id == _vocabulary.UnknownId)
                unknownTexts?.Add(unknown!);
        }
    }
}
