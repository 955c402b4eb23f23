using AsArm.Assd.Distributions;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tokenization;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Text;

/// <summary>
/// The tokenizer of a model: SentencePiece unigram, with the normalisation and pre-tokenisation of <see cref="ModelManifest.TextRules" /> and
/// <see cref="ModelManifest.TextEncoding" />, or a byte-level BPE. Only generated tokens are decoded, so lossy normalisation never changes given text. Thread-safe.
/// </summary>
public sealed class InfillTokenizer
{
    private readonly TokenizerAdapter _adapter;
    private readonly bool[] _isText;
    private readonly ModelManifest _manifest;
    private TokenTexts? _texts;

    private InfillTokenizer(TokenizerAdapter adapter, ModelManifest manifest)
    {
        (_adapter, _manifest) = (adapter, manifest);
        _isText = new bool[manifest.VocabularySize];
        for (int token = 0; token < adapter.Count; token++)
            _isText[token] = adapter.PieceOf(token).Length > 0;
        foreach (int special in manifest.SpecialIds.Append(manifest.MaskId).Concat(adapter.UnknownId is int unknown ? [unknown] : []))
            _isText[special] = false;
        for (int token = 0; token < adapter.Count; token++)
            _isText[token] |= token != manifest.MaskId && adapter.IsWhiteSpace(token);
        StartsWithMark = EncodeStart("a") is [var first, ..] && HasMark(first);
        TextTokenCount = _isText.Count(isText => isText);
        WithMark = Where(HasMark);
        WithoutMark = Where(token => !HasMark(token));
        InsideWord = Where(token => !HasMark(token) && !IsWhiteSpace(token));
    }

    /// <summary>
    /// The tokenizer behind the abstraction of Microsoft.ML.Tokenizers, for whole texts without gaps: a <see cref="UnigramTokenizer" /> or a
    /// <see cref="BpeTokenizer" />. Tokens of gaps and of the text around them are those of <see cref="CountTokens(InfillPrompt, out int[])" />.
    /// </summary>
    public Tokenizer Tokenizer => _adapter.Tokenizer;

    /// <summary>Size of the network's vocabulary.</summary>
    internal int VocabularySize => _isText.Length;

    /// <summary>Number of tokens that are text.</summary>
    internal int TextTokenCount { get; }

    /// <summary>Text tokens that begin with a space: with the space mark, or with the byte of a space.</summary>
    internal TokenSet WithMark { get; }

    /// <summary>Text tokens that begin without a space.</summary>
    internal TokenSet WithoutMark { get; }

    /// <summary>Text tokens that begin without a space and are not white space tokens.</summary>
    internal TokenSet InsideWord { get; }

    /// <summary>Whether the first word of a text has the space mark (SentencePiece's add_dummy_prefix).</summary>
    internal bool StartsWithMark { get; }

    /// <summary>The token of characters that are not in the vocabulary; null for a byte-level BPE, which has tokens for all.</summary>
    public int? UnknownId => _adapter.UnknownId;

    /// <summary>The texts of all text tokens, by which patterns find the allowed ones; built on first use.</summary>
    internal TokenTexts Texts => LazyInitializer.EnsureInitialized(ref _texts, () => new TokenTexts(
        VocabularySize, [.. Enumerable.Range(0, _adapter.Count).Where(IsText).Select(token => new TokenBytes(token, HasMark(token), IsWhiteSpace(token), _adapter.BytesAfterSpace(token)))]));

    /// <inheritdoc cref="TokenizerAdapter.ImpliesSpaces" />
    internal bool ImpliesSpaces => _adapter.ImpliesSpaces;

    /// <inheritdoc cref="TokenizerAdapter.KeepsWhiteSpace" />
    internal bool KeepsWhiteSpace => _adapter.KeepsWhiteSpace;

    /// <inheritdoc cref="TokenizerAdapter.TrimsSpaces" />
    internal bool TrimsSpaces => _adapter.TrimsSpaces;

    /// <summary>Opens the tokenizer of a model folder.</summary>
    /// <param name="folder">A folder with a tokenizer.</param>
    /// <exception cref="ModelFolderException">The folder has no tokenizer, or a damaged one; the message names the file.</exception>
    public static InfillTokenizer Open(ModelFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return new InfillTokenizer(TokenizerFiles.Read(folder), folder.Manifest);
    }

    /// <summary>Opens a SentencePiece .model file.</summary>
    /// <param name="path">A SentencePiece unigram model.</param>
    /// <param name="manifest">Vocabulary of the network, at least as large as that of the tokenizer; special tokens; normalisation and pre-tokenisation.</param>
    /// <exception cref="ModelFolderException">The file is damaged, not a unigram model, has byte fallback, or is larger than the vocabulary.</exception>
    public static InfillTokenizer Open(string path, ModelManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return new InfillTokenizer(TokenizerFiles.ReadSentencePiece(RegularFile.Read(path, ModelLimits.TokenizerBytes), path, manifest), manifest);
    }

    /// <summary>Encodes a text that starts a sequence; a space before its first word is implied.</summary>
    public int[] EncodeStart(string text) => EncodeStart(text, isFollowed: false);

    /// <summary>Encodes a text right after another token; no space is implied.</summary>
    public int[] EncodeContinuation(string text) => EncodeContinuation(text, isFollowed: false);

    /// <inheritdoc cref="EncodeStart(string)" />
    /// <param name="text">The text.</param>
    /// <param name="isFollowed">Whether another part of the text follows that does not begin with the space before a word.</param>
    internal int[] EncodeStart(string text, bool isFollowed) => Encode(text, isStart: true, isFollowed);

    /// <inheritdoc cref="EncodeContinuation(string)" />
    /// <param name="text">The text.</param>
    /// <param name="isFollowed">Whether another part of the text follows that does not begin with the space before a word.</param>
    internal int[] EncodeContinuation(string text, bool isFollowed) => Encode(text, isStart: false, isFollowed);

    /// <summary>Decodes tokens that start a sequence, without the implied space before the first word; a byte-level BPE implies none.</summary>
    public string DecodeStart(ReadOnlySpan<int> tokens) => Decode(tokens, isSpaceShown: ImpliesSpaces);

    /// <summary>Decodes tokens that follow others, with the space before each word, including the first.</summary>
    public string Decode(ReadOnlySpan<int> tokens) => Decode(tokens, isSpaceShown: false);

    /// <summary>Decodes tokens, without a space at the start, which the text before them has.</summary>
    internal string DecodeAfterSpace(ReadOnlySpan<int> tokens) => Decode(tokens, isSpaceShown: true);

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

    /// <summary>A token as the vocabulary writes it: with U+2581 for a space in SentencePiece, with U+0120 in a byte-level BPE. Empty if the tokenizer has none.</summary>
    /// <param name="token">An id of the network's vocabulary.</param>
    public string PieceOf(int token) => _adapter.PieceOf(token);

    /// <summary>Whether a token is text; special tokens and the unknown token are not.</summary>
    public bool IsText(int token) => _isText[token];

    /// <summary>Whether a token is a white space token, after which the space mark of a word means no space.</summary>
    internal bool IsWhiteSpace(int token) => IsText(token) && _adapter.IsWhiteSpace(token);

    /// <summary>Whether all tokens of a text can be generated.</summary>
    internal bool CanWrite(string text, int[] tokens) => Array.TrueForAll(tokens, IsText) && _adapter.HasTokens(text);

    /// <inheritdoc cref="TokenizerAdapter.SpaceAtEnd" />
    internal SpaceAtEnd SpaceAtEnd(string text, bool isAfterGap) => _adapter.SpaceAtEnd(text, isAfterGap);

    /// <inheritdoc cref="TokenizerAdapter.WithoutSpaceAtEnd" />
    internal int[] WithoutSpaceAtEnd(int[] tokens) => _adapter.WithoutSpaceAtEnd(tokens);

    /// <inheritdoc cref="TokenizerAdapter.EndsInWhiteSpaceToken" />
    internal bool EndsInWhiteSpaceToken(string text) => _adapter.EndsInWhiteSpaceToken(text);

    private bool HasMark(int token) => IsText(token) && _adapter.BeginsWithSpace(token);

    private TokenSet Where(Predicate<int> condition) =>
        new(Enumerable.Range(0, _isText.Length).Where(token => IsText(token) && condition(token)));

    private string Decode(ReadOnlySpan<int> tokens, bool isSpaceShown)
    {
        foreach (int token in tokens)
        {
            if (!IsText(token))
                throw new ArgumentException($"Token {token} is not text.", nameof(tokens));
        }

        return _adapter.Decode(tokens, isSpaceShown);
    }

    private int[] Encode(string text, bool isStart, bool isFollowed)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<int>((text.Length / 3) + 8);
        _adapter.Encode(text, isStart, isFollowed, tokens);
        return [.. tokens];
    }
}
