using System.Text;
using AsArm.Assd.Distributions;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Text;

/// <summary>
/// The tokenizer of a model: SentencePiece unigram, with the normalisation and pre-tokenisation of <see cref="ModelManifest.TextRules" /> and
/// <see cref="ModelManifest.TextEncoding" />. Only generated tokens are decoded, so lossy normalisation never changes given text. Thread-safe.
/// </summary>
public sealed class InfillTokenizer
{
    private const char Space = '\u2581'; // SentencePiece's mark of a space before a word

    private readonly SentencePieceEncoder _encoder;
    private readonly ITextEncoder? _rules;
    private readonly CodeEncoder? _code;
    private readonly string?[] _pieces;
    private readonly string[] _names;
    private readonly ModelManifest _manifest;
    private readonly bool _leavesSpaceAtEnd;

    private InfillTokenizer(SentencePieceModel model, ModelManifest manifest)
    {
        _manifest = manifest;
        _names = [.. model.Pieces.Select(piece => piece.Text)];
        _leavesSpaceAtEnd = manifest.TextRules is { IsFast: true, SplitSpacesOnly: true };
        TrimsSpaces = manifest.TextEncoding is null && (model.RemoveExtraWhitespaces || manifest.TextRules is { RemoveSpace: true } or { IsFast: true });
        _encoder = new SentencePieceEncoder(model);
        _rules = manifest.TextRules is not TextRules rules ? null
            : rules.IsFast ? new FastEncoder(model, _encoder, rules)
            : new XlnetEncoder(_encoder, rules);
        _code = manifest.TextEncoding is null ? null : new CodeEncoder(_encoder, manifest.TextRules);
        _pieces = new string?[manifest.VocabularySize];
        for (int id = 0; id < model.Pieces.Count; id++)
            _pieces[id] = model.Pieces[id].Text;
        foreach (int special in manifest.SpecialIds.Append(manifest.MaskId).Append(UnknownId).Concat(_code?.WhiteSpaceTokens ?? []))
            _pieces[special] = special == manifest.MaskId ? null : _code?.WhiteSpace(special);
        StartsWithMark = EncodeStart("a") is [var first, ..] && HasMark(first);
        TextTokenCount = Enumerable.Range(0, _pieces.Length).Count(IsText);
        WithMark = Where(HasMark);
        WithoutMark = Where(token => !HasMark(token));
        InsideWord = Where(token => !HasMark(token) && !IsWhiteSpace(token));
    }

    /// <summary>Number of tokens that are text.</summary>
    internal int TextTokenCount { get; }

    /// <summary>Text tokens that begin with the space mark.</summary>
    internal TokenSet WithMark { get; }

    /// <summary>Text tokens that begin without the space mark.</summary>
    internal TokenSet WithoutMark { get; }

    /// <summary>Text tokens that begin without the space mark and are not white space tokens.</summary>
    internal TokenSet InsideWord { get; }

    /// <summary>Whether the first word of a text has the space mark (SentencePiece's add_dummy_prefix).</summary>
    internal bool StartsWithMark { get; }

    /// <summary>The token of characters that are not in the vocabulary.</summary>
    public int UnknownId => _encoder.UnknownId;

    /// <summary>Whether all white space of a text is encoded, not only whether there is some before a word.</summary>
    internal bool KeepsWhiteSpace => _code is not null;

    /// <summary>Whether white space at the start of a text has no tokens, and a run of it is encoded as one space.</summary>
    internal bool TrimsSpaces { get; }

    /// <summary>Opens a SentencePiece .model file.</summary>
    /// <param name="path">A SentencePiece unigram model.</param>
    /// <param name="manifest">Vocabulary of the network, at least as large as that of the tokenizer; special tokens; normalisation and pre-tokenisation.</param>
    /// <exception cref="ModelFolderException">The file is damaged, not a unigram model, has byte fallback, or is larger than the vocabulary.</exception>
    public static InfillTokenizer Open(string path, ModelManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return Read(RegularFile.Read(path, ModelLimits.TokenizerBytes), path, manifest);
    }

    /// <summary>Reads the bytes of a .model file.</summary>
    /// <inheritdoc cref="Open" />
    internal static InfillTokenizer Read(byte[] bytes, string path, ModelManifest manifest)
    {
        try
        {
            SentencePieceModel model = SentencePieceModel.Parse(bytes);
            int last = model.Pieces.Count - 1;
            if (last >= manifest.VocabularySize)
                throw new InvalidDataException($"it has a piece {last}, the network's vocabulary ends at {manifest.VocabularySize - 1}");
            if (manifest.TextRules?.AddedTokens?.FirstOrDefault(token => (uint)token.Id > (uint)last) is AddedToken unknown)
                throw new InvalidDataException($"it has no piece {unknown.Id}, which added_tokens names");
            return new InfillTokenizer(model, manifest);
        }
        catch (InvalidDataException error)
        {
            throw new ModelFolderException($"{path} is not a tokenizer for this model: {error.Message.ReplaceLineEndings(" ").TrimEnd('.')}.", error);
        }
    }

    /// <summary>Encodes a text that starts a sequence; a space before its first word is implied.</summary>
    public int[] EncodeStart(string text) => Encode(text, KeepsWhiteSpace ? TextEdges.KeptStart : TextEdges.Start);

    /// <summary>Encodes a text right after another token; no space is implied.</summary>
    public int[] EncodeContinuation(string text) => Encode(text, KeepsWhiteSpace ? TextEdges.KeptContinuation : TextEdges.Continuation);

    /// <summary>Decodes tokens that start a sequence, without the implied space before the first word.</summary>
    public string DecodeStart(ReadOnlySpan<int> tokens) => Decode(tokens, isAfterSpace: true);

    /// <summary>Decodes tokens that follow others, with the space before each word, including the first.</summary>
    public string Decode(ReadOnlySpan<int> tokens) => Decode(tokens, isAfterSpace: false);

    /// <summary>Counts the tokens of a prompt, as they count for the maximum length.</summary>
    /// <param name="prompt">With or without gaps.</param>
    /// <exception cref="InfillTextException">The text is too long to be tokenised.</exception>
    public TokenCount CountTokens(InfillPrompt prompt) => CountTokens(prompt, out _);

    /// <inheritdoc cref="CountTokens(InfillPrompt)" />
    /// <param name="prompt">With or without gaps.</param>
    /// <param name="tokens">The tokens, with the mask in gaps; gaps are omitted if they alone are more than the model takes.</param>
    public TokenCount CountTokens(InfillPrompt prompt, out int[] tokens)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return InfillText.Count(prompt.Segments, new SegmentEncoder(this, _manifest, GapSpacing.AsTyped), out tokens);
    }

    /// <summary>The piece of a token, in which U+2581 marks a space; empty if the tokenizer has none.</summary>
    /// <param name="token">An id of the network's vocabulary.</param>
    public string PieceOf(int token) => token < _names.Length ? _names[token] : "";

    /// <summary>Whether a token is text; special tokens and the unknown token are not.</summary>
    public bool IsText(int token) => _pieces[token] is not null;

    /// <summary>Whether a token is a white space token, after which the space mark of a word means no space.</summary>
    internal bool IsWhiteSpace(int token) => IsText(token) && _code?.WhiteSpace(token) is not null;

    /// <summary>Whether all tokens of a text can be generated.</summary>
    internal bool CanWrite(string text, int[] tokens) =>
        Array.TrueForAll(tokens, IsText) && (_code is null || _code.Encode(text, TextEdges.KeptContinuation, []));

    /// <summary>Where the last white space of a given text is encoded if another part follows.</summary>
    internal SpaceAtEnd SpaceAtEnd(string text, bool isAfterGap) =>
        KeepsWhiteSpace ? CodeEncoder.SpaceAtEnd(text, isAfterGap)
        : EndsInSpace(text) ? Tokenization.SpaceAtEnd.Carried
        : Tokenization.SpaceAtEnd.InTokens;

    /// <summary>
    /// Whether the last character of a text is encoded as the space mark of the next word: a space, or a character that is normalised to one.
    /// </summary>
    private bool EndsInSpace(string text)
    {
        if (text.Length == 0 || char.IsLetterOrDigit(text[^1]))
            return false;
        if (text[^1] == ' ')
            return true;
        int last = text.Length > 1 && char.IsSurrogatePair(text[^2], text[^1]) ? 2 : 1;
        return TrimsSpaces && EncodeContinuation(text[^last..] + "a") is [var token, ..] && HasMark(token);
    }

    /// <summary>Removes a space mark at the end of a text, which belongs to the next word; some tokenizers encode it there.</summary>
    internal int[] WithoutSpaceAtEnd(int[] tokens)
    {
        int count = tokens.Length;
        while (_leavesSpaceAtEnd && count > 0 && _pieces[tokens[count - 1]] is [Space])
            count--;
        return tokens[..count];
    }

    /// <summary>Whether the last character of a text is encoded in a white space token.</summary>
    internal bool EndsInWhiteSpaceToken(string text) => KeepsWhiteSpace && text is [.., '\n' or '\t' or ' '];

    private bool HasMark(int token) => _pieces[token] is [Space, ..];

    private TokenSet Where(Predicate<int> condition) =>
        new(Enumerable.Range(0, _pieces.Length).Where(token => IsText(token) && condition(token)));

    private string Decode(ReadOnlySpan<int> tokens, bool isAfterSpace)
    {
        var text = new StringBuilder();
        foreach (int token in tokens)
        {
            string piece = _pieces[token] ?? throw new ArgumentException($"Token {token} is not text.", nameof(tokens));
            text.Append(isAfterSpace && piece[0] == Space ? piece.AsSpan(1) : piece);
            isAfterSpace = IsWhiteSpace(token);
        }

        return text.Replace(Space, ' ').ToString();
    }

    private int[] Encode(string text, TextEdges edges)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<int>((text.Length / 3) + 8);
        if (_code is not null)
            _code.Encode(text, edges, tokens);
        else if (_rules is not null)
            _rules.Encode(text, edges, tokens);
        else
            _encoder.Encode(text, edges, tokens);
        return [.. tokens];
    }
}
