using System.Text;
using Google.Protobuf;

namespace AsArm.Inference;

/// <summary>
/// SentencePiece unigram pieces for the model's eyes only: given text is never decoded again, so it stays as the user wrote it,
/// whatever the normalisation does. <see cref="ModelManifest.TextRules" /> and <see cref="ModelManifest.TextEncoding" /> say what else
/// happens to the text.
/// </summary>
public sealed class InfillTokenizer
{
    private const char Space = '\u2581'; // SentencePiece's mark of a space before a piece

    private readonly SentencePieceEncoder _encoder;
    private readonly XlnetEncoder? _rules;
    private readonly CodeEncoder? _code;
    private readonly string?[] _pieces;

    private InfillTokenizer(SentencePieceModel model, ModelManifest manifest)
    {
        _encoder = new SentencePieceEncoder(model);
        _rules = manifest.TextRules is null ? null : new XlnetEncoder(_encoder, manifest.TextRules);
        _code = manifest.TextEncoding is null ? null : new CodeEncoder(_encoder, manifest.TextRules);
        _pieces = new string?[manifest.VocabularySize];
        for (int id = 0; id < model.Pieces.Count; id++)
            _pieces[id] = model.Pieces[id].Text;
        foreach (int special in manifest.SpecialIds.Append(manifest.MaskId).Append(UnknownId).Concat(_code?.WhiteSpaceTokens ?? []))
            _pieces[special] = special == manifest.MaskId ? null : _code?.WhiteSpace(special);
    }

    /// <summary>The token of characters that the vocabulary lacks.</summary>
    public int UnknownId => _encoder.UnknownId;

    /// <summary>Whether tokens hold all white space of a text, not only whether there is some before a word.</summary>
    internal bool KeepsWhiteSpace => _code is not null;

    /// <summary>Reads a .model file.</summary>
    /// <param name="path">SentencePiece unigram model.</param>
    /// <param name="manifest">The network's vocabulary, at least as large as the tokenizer's, its special ids, and the treatment of text.</param>
    /// <exception cref="ModelFolderException">Damaged, of another kind, with byte fallback, or larger than the vocabulary.</exception>
    public static InfillTokenizer Open(string path, ModelManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return Read(RegularFile.Read(path, ModelLimits.TokenizerBytes), path, manifest);
    }

    /// <summary>Takes the bytes of a .model file.</summary>
    /// <inheritdoc cref="Open" />
    internal static InfillTokenizer Read(byte[] bytes, string path, ModelManifest manifest)
    {
        try
        {
            SentencePieceModel model = SentencePieceModel.Parse(bytes);
            int last = model.Pieces.Count - 1;
            if (last >= manifest.VocabularySize)
                throw new InvalidDataException($"it has a piece {last}, the network's vocabulary ends at {manifest.VocabularySize - 1}");
            return new InfillTokenizer(model, manifest);
        }
        catch (Exception error) when (error is InvalidDataException or InvalidProtocolBufferException)
        {
            throw new ModelFolderException($"{path} is no tokenizer for this model: {error.Message.ReplaceLineEndings(" ").TrimEnd('.')}.", error);
        }
    }

    /// <summary>Tokens of a text that starts a sequence; a space before its first word is implied.</summary>
    public int[] EncodeStart(string text) => Encode(text, KeepsWhiteSpace ? TextEdges.KeptStart : TextEdges.Start);

    /// <summary>Tokens of a text that goes on right after another token; no space is implied.</summary>
    public int[] EncodeContinuation(string text) => Encode(text, KeepsWhiteSpace ? TextEdges.KeptContinuation : TextEdges.Continuation);

    /// <summary>The text of tokens that start a sequence, without the space that is implied before its first word.</summary>
    public string DecodeStart(ReadOnlySpan<int> tokens) => Decode(tokens, isAfterSpace: true);

    /// <summary>The text of tokens that go on after others, with the space before each word, also before the first.</summary>
    public string Decode(ReadOnlySpan<int> tokens) => Decode(tokens, isAfterSpace: false);

    /// <summary>Whether a token stands for text; special ones and the unknown do not.</summary>
    public bool IsText(int token) => _pieces[token] is not null;

    /// <summary>Whether a token is white space by itself, after which a word's space mark means none.</summary>
    internal bool IsWhiteSpace(int token) => IsText(token) && _code?.WhiteSpace(token) is not null;

    /// <summary>Whether the model could write these tokens of a text.</summary>
    internal bool CanWrite(string text, int[] tokens) =>
        Array.TrueForAll(tokens, IsText) && (_code is null || _code.Encode(text, TextEdges.KeptContinuation, []));

    /// <summary>Where the last white space of a given text goes when something follows the text.</summary>
    internal SpaceAtEnd SpaceAtEnd(string text, bool isAfterGap) =>
        KeepsWhiteSpace ? CodeEncoder.SpaceAtEnd(text, isAfterGap)
        : text.Length > 0 && char.IsWhiteSpace(text[^1]) ? Inference.SpaceAtEnd.Carried
        : Inference.SpaceAtEnd.InTokens;

    private string Decode(ReadOnlySpan<int> tokens, bool isAfterSpace)
    {
        var text = new StringBuilder();
        foreach (int token in tokens)
        {
            string piece = _pieces[token] ?? throw new ArgumentException($"Token {token} stands for no text.", nameof(tokens));
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
