using System.Text;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Tokenization;

/// <summary>SentencePiece unigram, with the normalisation and pre-tokenisation of <see cref="TextRules" /> or the encoding of code.</summary>
internal sealed class SentencePieceAdapter : TokenizerAdapter
{
    private const char Space = '\u2581'; // SentencePiece's mark of a space before a word

    private readonly SentencePieceEncoder _encoder;
    private readonly FastEncoder? _fast;
    private readonly ITextEncoder _text;
    private readonly CodeEncoder? _code;
    private readonly string[] _pieces;
    private readonly string[] _texts; // the pieces, with white space in place of the tokens that stand for it
    private readonly bool _leavesSpaceAtEnd;
    private UnigramTokenizer? _tokenizer;

    /// <summary>Builds the tables.</summary>
    /// <param name="model">The pieces and the normalisation.</param>
    /// <param name="rules">Settings of the text; null for those of the model alone.</param>
    /// <param name="isCode">Whether white space is encoded as in asarm-code.</param>
    /// <exception cref="InvalidDataException">The character map is damaged, or a piece is missing.</exception>
    public SentencePieceAdapter(SentencePieceModel model, TextRules? rules, bool isCode)
    {
        _pieces = [.. model.Pieces.Select(piece => piece.Text)];
        if (rules?.AddedTokens?.FirstOrDefault(token => (uint)token.Id >= (uint)_pieces.Length) is AddedToken unknown)
            throw new InvalidDataException($"it has no piece {unknown.Id}, which added_tokens names");
        _encoder = new SentencePieceEncoder(model);
        _fast = rules is { IsFast: true } ? new FastEncoder(model, _encoder, rules) : null;
        _text = _fast ?? (rules is null ? _encoder : (ITextEncoder)new XlnetEncoder(_encoder, rules));
        _code = isCode ? new CodeEncoder(_encoder, rules) : null;
        _texts = _code is null ? _pieces : [.. _pieces.Select((piece, token) => _code.WhiteSpace(token) ?? piece)];
        _leavesSpaceAtEnd = rules is { IsFast: true, SplitSpacesOnly: true };
        TrimsSpaces = !isCode && (model.RemoveExtraWhitespaces || rules is { RemoveSpace: true } or { IsFast: true });
    }

    /// <summary>Created on first use: an application that only fills gaps does not load Microsoft's library.</summary>
    public override Tokenizer Tokenizer => LazyInitializer.EnsureInitialized(ref _tokenizer, () => new UnigramTokenizer(this));

    public override int Count => _pieces.Length;

    public override int? UnknownId => _encoder.UnknownId;

    public override bool ImpliesSpaces => true;

    public override bool KeepsWhiteSpace => _code is not null;

    public override bool TrimsSpaces { get; }

    public override string PieceOf(int token) => (uint)token < (uint)_pieces.Length ? _pieces[token] : "";

    public override bool BeginsWithSpace(int token) => TextOf(token) is [Space, ..];

    public override bool IsWhiteSpace(int token) => _code?.WhiteSpace(token) is not null;

    public override void Encode(string text, bool isStart, bool isFollowed, List<int> tokens) => Encode(text, isStart, tokens, null);

    /// <summary>Appends the tokens of a text, and the characters of each unknown token to a list of its own.</summary>
    public void Encode(string text, bool isStart, List<int> tokens, List<string>? unknownTexts)
    {
        if (_code is not null)
            _code.Encode(text, isStart ? TextEdges.KeptStart : TextEdges.KeptContinuation, tokens, unknownTexts);
        else
            _text.Encode(text, isStart ? TextEdges.Start : TextEdges.Continuation, tokens, unknownTexts);
    }

    /// <summary>Appends the tokens of a text that is already normalised, in which U+2581 marks spaces.</summary>
    public void EncodeNormalized(string text, List<int> tokens, List<string> unknownTexts)
    {
        if (_fast is not null)
            _fast.EncodeNormalized(text, tokens, unknownTexts);
        else
            _encoder.EncodeNormalized(text, tokens, unknownTexts);
    }

    public override bool HasTokens(string text) => _code is null || _code.Encode(text, TextEdges.KeptContinuation, []);

    /// <summary>A token as normalised text, in which U+2581 marks a space.</summary>
    public string TextOf(int token) => _texts[token];

    public override string Decode(ReadOnlySpan<int> tokens, bool isSpaceShown)
    {
        var text = new StringBuilder();
        foreach (int token in tokens)
        {
            text.Append(Shown(token, isSpaceShown));
            isSpaceShown = IsWhiteSpace(token);
        }

        return text.Replace(Space, ' ').ToString();
    }

    public override byte[] BytesAfterSpace(int token) => Encoding.UTF8.GetBytes(Shown(token, isSpaceShown: true).ToString().Replace(Space, ' '));

    /// <summary>Writes the text of a token; false if the destination is too small for it.</summary>
    public bool TryDecode(int token, Span<char> destination, ref bool isSpaceShown, out int written)
    {
        ReadOnlySpan<char> text = Shown(token, isSpaceShown);
        written = text.TryCopyTo(destination) ? text.Length : -1;
        if (written < 0)
            return false;
        destination[..written].Replace(Space, ' ');
        isSpaceShown = IsWhiteSpace(token);
        return true;
    }

    public override SpaceAtEnd SpaceAtEnd(string text, bool isAfterGap) =>
        KeepsWhiteSpace ? CodeEncoder.SpaceAtEnd(text, isAfterGap)
        : EndsInSpace(text) ? Tokenization.SpaceAtEnd.Carried
        : Tokenization.SpaceAtEnd.InTokens;

    public override bool EndsInWhiteSpaceToken(string text) => KeepsWhiteSpace && text is [.., '\n' or '\t' or ' '];

    public override int[] WithoutSpaceAtEnd(int[] tokens)
    {
        if (!_leavesSpaceAtEnd)
            return tokens;
        int count = tokens.Length;
        while (count > 0 && TextOf(tokens[count - 1]) is [Space])
            count--;
        return tokens[..count];
    }

    /// <summary>
    /// Whether the last character of a text is encoded as the space mark of the next word: a space, or a character that is normalised to one.
    /// </summary>
    private bool EndsInSpace(string text)
    {
        if (text.Length == 0 || char.IsLetterOrDigit(text[^1]))
            return false;
        if (text[^1] == ' ')
            return true;
        if (!TrimsSpaces)
            return false;
        int last = text.Length > 1 && char.IsSurrogatePair(text[^2], text[^1]) ? 2 : 1;
        var tokens = new List<int>();
        Encode(text[^last..] + "a", isStart: false, tokens, null);
        return tokens is [int token, ..] && token != UnknownId && BeginsWithSpace(token);
    }

    /// <summary>The text of a token, without a space that the text before it shows.</summary>
    private ReadOnlySpan<char> Shown(int token, bool isSpaceShown)
    {
        string text = _texts[token];
        return isSpaceShown && text[0] == Space ? text.AsSpan(1) : text;
    }
}
