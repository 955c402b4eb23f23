using System.Buffers;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// A SentencePiece unigram model as a <see cref="Tokenizer" /> of Microsoft.ML.Tokenizers, with exactly the tokens that the model was trained on: those of
/// Python's sentencepiece, or of Hugging Face's XLNet tokenizers with <see cref="TextRules" />. A text is encoded as one that starts a sequence, with
/// the space before its first word that the model implies. Thread-safe.
/// </summary>
/// <remarks>
/// Offsets are positions in the normalised text, as in SentencePieceTokenizer of that library: the abstraction has no place for positions in the original
/// text, which normalisation may change, reorder or drop. The normalised text is what the tokens spell, with U+2581 for spaces; the
/// values of the tokens joined are that text. A null text has no tokens, as an empty one.
/// </remarks>
public sealed class UnigramTokenizer : Tokenizer
{
    private readonly SentencePieceAdapter _adapter;

    internal UnigramTokenizer(SentencePieceAdapter adapter)
    {
        _adapter = adapter;
        Normalizer = new UnigramNormalizer(this);
    }

    /// <summary>Gives the normalised text that offsets refer to.</summary>
    public override Normalizer Normalizer { get; }

    /// <summary>Null: words are found together with the pieces, not before them.</summary>
    public override PreTokenizer? PreTokenizer => null;

    /// <summary>The token of characters that are not in the vocabulary.</summary>
    public int UnknownId => _adapter.UnknownId!.Value;

    /// <summary>Number of tokens.</summary>
    public int VocabularySize => _adapter.Count;

    /// <summary>Reads a SentencePiece .model file of the kind unigram.</summary>
    /// <param name="model">The file, of at most 16 MiB.</param>
    /// <param name="rules">Settings of Hugging Face's XLNet tokenizers; null for the normalisation of the model alone.</param>
    /// <exception cref="InvalidDataException">The file is damaged, or has a feature that is not supported; the message names it.</exception>
    public static UnigramTokenizer Create(Stream model, TextRules? rules = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (rules?.FirstInvalidField() is string field)
            throw new ArgumentException($"{field} is not valid, or not together with the others.", nameof(rules));
        using var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = model.Read(buffer)) > 0;)
        {
            if (bytes.Length + read > TokenizerLimits.FileBytes)
                throw new InvalidDataException($"it has more than {TokenizerLimits.FileBytes} bytes");
            bytes.Write(buffer, 0, read);
        }

        return (UnigramTokenizer)new SentencePieceAdapter(SentencePieceModel.Parse(bytes.ToArray()), rules, isCode: false).Tokenizer;
    }

    /// <summary>
    /// Decodes tokens that start a sequence: a mark is a space, but for that before the first word. The text comes back as far as normalisation kept it. Tokens that are not text
    /// give their names.
    /// </summary>
    /// <param name="ids">The tokens.</param>
    /// <exception cref="InvalidOperationException">An id is not one of the vocabulary.</exception>
    public override string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        int[] tokens = [.. ids];
        if (Array.Exists(tokens, token => !IsToken(token)))
            throw new InvalidOperationException($"The ids are not all below {VocabularySize}, the size of the vocabulary.");
        return _adapter.Decode(tokens, isSpaceShown: true);
    }

    /// <summary>Decodes tokens that start a sequence into a buffer, as many whole ones as it has room for.</summary>
    /// <inheritdoc />
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        (idsConsumed, charsWritten) = (0, 0);
        bool isSpaceShown = true;
        foreach (int id in ids)
        {
            if (!IsToken(id))
                return OperationStatus.InvalidData;
            if (!_adapter.TryDecode(id, destination[charsWritten..], ref isSpaceShown, out int written))
                return OperationStatus.DestinationTooSmall;
            charsWritten += written;
            idsConsumed++;
        }

        return OperationStatus.Done;
    }

    /// <summary>Encodes a text that starts a sequence, or one that is normalised already.</summary>
    /// <param name="text">The text; null for that of <paramref name="textSpan" />. Lone surrogates count as U+FFFD.</param>
    /// <param name="textSpan">The text if <paramref name="text" /> is null.</param>
    /// <param name="settings">Without normalisation the text is taken as normalised, with U+2581 for spaces; pre-tokenisation cannot be left out.</param>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.MaxTokenCount, 1);
        List<int> ids = Encode(text, textSpan, settings, out List<string> unknownTexts);
        var tokens = new List<EncodedToken>(ids.Count);
        int start = 0, unknown = 0;
        foreach (int id in ids)
        {
            string value = id == UnknownId ? unknownTexts[unknown++] : _adapter.TextOf(id);
            tokens.Add(new EncodedToken(id, value, start..(start += value.Length)));
        }

        string? normalized = settings.ConsiderNormalization ? string.Concat(tokens.Select(token => token.Value)) : null;
        if (tokens.Count > settings.MaxTokenCount)
            tokens.RemoveRange(settings.MaxTokenCount, tokens.Count - settings.MaxTokenCount);
        int consumed = tokens.Count == 0 ? 0 : tokens[^1].Offset.End.Value;
        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = normalized, CharsConsumed = consumed };
    }

    private List<int> Encode(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, out List<string> unknownTexts)
    {
        string given = text ?? textSpan.ToString();
        var ids = new List<int>((given.Length / 3) + 8);
        unknownTexts = [];
        if (settings.ConsiderNormalization)
            _adapter.Encode(given, isStart: true, ids, unknownTexts);
        else
            _adapter.EncodeNormalized(given, ids, unknownTexts);
        return ids;
    }

    private bool IsToken(int id) => (uint)id < (uint)VocabularySize;

    private sealed class UnigramNormalizer(UnigramTokenizer tokenizer) : Normalizer
    {
        public override string Normalize(string original)
        {
            ArgumentNullException.ThrowIfNull(original);
            return tokenizer.EncodeToTokens(original, default, new EncodeSettings { ConsiderNormalization = true }).NormalizedText!;
        }

        public override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());
    }
}
