using System.Text;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference;

/// <summary>
/// SentencePiece unigram pieces for the model's eyes only: given text is never decoded again, so it stays as the user wrote it,
/// whatever the normalisation does.
/// </summary>
public sealed class InfillTokenizer
{
    private const char Space = '\u2581'; // SentencePiece's mark of a space before a piece

    private readonly SentencePieceTokenizer _tokenizer;
    private readonly string?[] _pieces;
    private readonly string _continuation;
    private readonly int _continuationLength;

    private InfillTokenizer(SentencePieceTokenizer tokenizer, string?[] pieces, IEnumerable<int> specialIds)
    {
        _tokenizer = tokenizer;
        _pieces = pieces;
        (_continuation, _continuationLength) = FindContinuation();
        foreach (int special in specialIds.Append(UnknownId))
            pieces[special] = null;
    }

    /// <summary>The token of characters that the vocabulary lacks.</summary>
    public int UnknownId => _tokenizer.UnknownId;

    /// <summary>Reads a .model file.</summary>
    /// <param name="path">SentencePiece unigram model.</param>
    /// <param name="manifest">The network's vocabulary, at least as large as the tokenizer's, and its special ids.</param>
    /// <exception cref="ModelFolderException">Damaged, of another kind, with byte fallback, or larger than the vocabulary.</exception>
    public static InfillTokenizer Open(string path, ModelManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        int vocabularySize = manifest.VocabularySize;
        SentencePieceTokenizer tokenizer;
        try
        {
            using FileStream stream = File.OpenRead(path);
            tokenizer = SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false, specialTokens: null);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // The parser's exceptions are of many kinds, argument and index errors among them.
            throw new ModelFolderException($"{path} is no SentencePiece model: {error.Message.ReplaceLineEndings(" ")}", error);
        }

        var pieces = new string?[vocabularySize];
        foreach ((string piece, int id) in tokenizer.Vocabulary)
        {
            if ((uint)id >= (uint)vocabularySize)
                throw new ModelFolderException($"{path} has a piece {id}, the network's vocabulary ends at {vocabularySize - 1}.");
            pieces[id] = piece;
        }

        if ((uint)tokenizer.UnknownId >= (uint)vocabularySize)
            throw new ModelFolderException($"{path} names an unknown token {tokenizer.UnknownId} outside the vocabulary.");

        // Microsoft.ML.Tokenizers 2.0.1 shifts the byte pieces of unigram models by 255 ids.
        if (tokenizer.ByteFallback || tokenizer.Vocabulary.ContainsKey("<0x00>"))
            throw new ModelFolderException($"{path} uses byte fallback, which is not supported: train the tokenizer without it.");
        return new InfillTokenizer(tokenizer, pieces, manifest.SpecialIds.Append(manifest.MaskId));
    }

    /// <summary>Tokens of a text that starts a sequence; a space before its first word is implied.</summary>
    public int[] EncodeStart(string text) => Encode(text, 0);

    /// <summary>Tokens of a text that goes on right after another token; no space is implied.</summary>
    public int[] EncodeContinuation(string text) => Encode(_continuation + text, _continuationLength);

    /// <summary>The text of tokens, with the space before each word, also before the first.</summary>
    public string Decode(ReadOnlySpan<int> tokens)
    {
        var text = new StringBuilder();
        foreach (int token in tokens)
            text.Append(_pieces[token] ?? throw new ArgumentException($"Token {token} stands for no text.", nameof(tokens)));
        return text.Replace(Space, ' ').ToString();
    }

    /// <summary>Whether a token stands for text; special ones and the unknown do not.</summary>
    public bool IsText(int token) => _pieces[token] is not null;

    /// <summary>
    /// SentencePiece puts a space before the first word of whatever it encodes. To encode without it, a symbol that is always a
    /// token of its own goes first, and its tokens are dropped.
    /// </summary>
    private (string Symbol, int Length) FindContinuation()
    {
        foreach (string symbol in new[] { "<mask>", "<eop>", "<eod>", "<sep>" })
        {
            int id = Array.IndexOf(_pieces, symbol);
            int[] tokens = Encode(symbol, 0);
            if (id >= 0 && tokens.Length > 0 && tokens[^1] == id)
                return (symbol, tokens.Length);
        }

        throw new ModelFolderException("The tokenizer has no user-defined symbol such as <mask> or <eop>, which encoding beside a gap needs.");
    }

    private int[] Encode(string text, int skip)
    {
        IReadOnlyList<int> ids = _tokenizer.EncodeToIds(text);
        var tokens = new List<int>(ids.Count);
        for (int i = skip; i < ids.Count; i++)
        {
            // SentencePiece itself makes one unknown token of a run of them, the library one of each.
            if (ids[i] != UnknownId || i == skip || ids[i - 1] != UnknownId)
                tokens.Add(ids[i]);
        }

        return [.. tokens];
    }
}
