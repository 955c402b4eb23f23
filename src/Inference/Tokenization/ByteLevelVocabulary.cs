using System.Text;
using System.Text.Json;

namespace AsArm.Inference.Tokenization;

/// <summary>The tokens and merges of a byte-level BPE, from vocab.json and merges.txt as GPT-2 and its successors have them.</summary>
internal sealed class ByteLevelVocabulary
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Dictionary<string, int> _ids = [];
    private readonly List<string> _merges = [];
    private string?[] _pieces = [];

    private ByteLevelVocabulary()
    {
    }

    /// <summary>Piece by id; null for ids without a token.</summary>
    public IReadOnlyList<string?> Pieces => _pieces;

    /// <summary>Pairs of pieces with a space between them, by rank.</summary>
    public IReadOnlyList<string> Merges => _merges;

    /// <summary>The tokens whose pieces are bytes.</summary>
    public IEnumerable<KeyValuePair<string, int>> ByteTokens => _ids.Where(entry => IsBytes(entry.Key));

    /// <summary>Whether a piece is written in characters of bytes only.</summary>
    public static bool IsBytes(string piece) => piece.All(character => ByteAlphabet.ByteOf(character) >= 0);

    /// <summary>Reads vocab.json: an object of pieces with their ids.</summary>
    /// <param name="json">The bytes of the file.</param>
    /// <param name="vocabularySize">Size of the network's vocabulary, which ids are below.</param>
    /// <param name="isSpecial">Which tokens stand for no text; only they may have other characters than those of bytes.</param>
    /// <exception cref="InvalidDataException">The file is damaged, lacks the token of a byte, or has a token that cannot be.</exception>
    public static ByteLevelVocabulary Read(ReadOnlySpan<byte> json, int vocabularySize, Predicate<int> isSpecial)
    {
        var vocabulary = new ByteLevelVocabulary();
        try
        {
            vocabulary.ReadPieces(json, vocabularySize);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException("it is not a JSON object of tokens with whole numbers", error); // InvalidOperationException: not UTF-8
        }

        foreach ((string piece, int id) in vocabulary._ids)
            Require(IsBytes(piece) || isSpecial(id), $"its token {id} has characters that stand for no byte");
        for (int value = 0; value <= byte.MaxValue; value++)
            Require(vocabulary._ids.ContainsKey(ByteAlphabet.CharacterOf((byte)value).ToString()), $"it has no token of the byte {value}");
        return vocabulary;
    }

    /// <summary>Reads merges.txt: a pair of pieces a line, after an optional line with its version.</summary>
    /// <exception cref="InvalidDataException">A line is not a pair, is there twice, or names a token that vocab.json has not.</exception>
    public void ReadMerges(ReadOnlySpan<byte> text)
    {
        string lines = Decode(text);
        var seen = new HashSet<string>();
        int number = 0;
        foreach (ReadOnlySpan<char> one in lines.AsSpan(0, lines.EndsWith('\n') ? lines.Length - 1 : lines.Length).EnumerateLines())
        {
            number++;
            if (number == 1 && (lines.Length == 0 || one.StartsWith("#version", StringComparison.Ordinal)))
                continue;
            string line = one.ToString();
            RequireMerge(line, number);
            Require(seen.Add(line), $"its line {number} is there twice");
            Require(_merges.Count < TokenizerLimits.Pieces, $"it has more than {TokenizerLimits.Pieces} merges");
            _merges.Add(line);
        }
    }

    private static string Decode(ReadOnlySpan<byte> text)
    {
        try
        {
            return s_strictUtf8.GetString(text);
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException("it is not UTF-8", error);
        }
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new InvalidDataException(message);
    }

    private void ReadPieces(ReadOnlySpan<byte> json, int vocabularySize)
    {
        var reader = new Utf8JsonReader(json);
        Require(reader.Read() && reader.TokenType == JsonTokenType.StartObject, "it is not a JSON object of tokens with whole numbers");
        var pieces = new string?[vocabularySize];
        int count = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string piece = reader.GetString()!;
            reader.Read();
            Require(reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int id) && id >= 0, "it is not a JSON object of tokens with whole numbers");
            id = reader.GetInt32();
            Require(id < vocabularySize, $"it has a token {id}, the network's vocabulary ends at {vocabularySize - 1}");
            Require(piece.Length is > 0 and <= TokenizerLimits.PieceBytes, $"its token {id} is empty, or longer than {TokenizerLimits.PieceBytes} bytes");
            Require(pieces[id] is null && _ids.TryAdd(piece, id), $"it has the token {id} or its text twice");
            pieces[id] = piece;
            count = Math.Max(count, id + 1);
        }

        Require(reader.TokenType == JsonTokenType.EndObject && !reader.Read(), "it is not a JSON object of tokens with whole numbers");
        _pieces = pieces[..count];
    }

    private void RequireMerge(string line, int number)
    {
        string[] pair = line.Split(' ');
        Require(pair.Length == 2 && pair[0].Length > 0 && pair[1].Length > 0, $"its line {number} is not a pair of tokens");
        foreach (string piece in new[] { pair[0], pair[1], pair[0] + pair[1] })
            Require(_ids.ContainsKey(piece) && IsBytes(piece), $"its line {number} merges to or from a token that vocab.json does not have");
    }
}
