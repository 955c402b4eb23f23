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
    public void Encode(string text, TextEdges edges, List<int> tokens)
    {
        bool startsWord = edges != TextEdges.Continuation;
        foreach ((Range section, int? token) in _inText.Split(text))
        {
            string normalized = _normalizer.Apply(text[section]);
            foreach ((Range part, int? inner) in _inNormalized.Split(normalized))
            {
                EncodeWords(normalized[part], startsWord, tokens);
                startsWord |= Add(inner, tokens);
            }

            startsWord |= Add(token, tokens);
        }
    }

    private static bool Add(int? token, List<int> tokens)
    {
        if (token is int id)
            tokens.Add(id);
        return token is not null;
    }

    private void EncodeWords(string text, bool startsWord, List<int> tokens)
    {
        if (_splitsSpacesOnly)
        {
            EncodeMarked(text.Replace(' ', Mark), startsWord, tokens);
            return;
        }

        for (int start = 0, end; start < text.Length; start = end + 1)
        {
            end = start;
            while (end < text.Length && !char.IsWhiteSpace(text[end]))
                end++;
            EncodeMarked(text[start..end], startsWord || start > 0, tokens);
        }
    }

    /// <summary>Encodes a text in which each space mark begins a word.</summary>
    private void EncodeMarked(string text, bool startsWord, List<int> tokens)
    {
        if (text.Length == 0)
            return;
        if (startsWord && text[0] != Mark)
            text = Mark + text;
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = text.IndexOf(Mark, start + 1);
            end = end < 0 ? text.Length : end;
            EncodeWord(Encoding.UTF8.GetBytes(text, start, end - start), tokens);
        }
    }

    /// <summary>Segments a word. Like the library, it looks up joined unknown characters by name once more.</summary>
    private void EncodeWord(byte[] word, List<int> tokens)
    {
        var pieces = new List<PlacedPiece>();
        _segmenter.Segment(word, pieces);
        foreach (PlacedPiece piece in pieces)
            tokens.Add(piece.Id != _vocabulary.UnknownId ? piece.Id : _vocabulary.IdOf(Encoding.UTF8.GetString(word[piece.Start..piece.End])));
    }
}
