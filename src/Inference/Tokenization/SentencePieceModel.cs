using System.Text;
using Google.Protobuf;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// The content of a SentencePiece .model file: its pieces by id, and the normalisation settings. The file is a protobuf message,
/// sentencepiece_model.proto. Fields that a unigram encoder does not need are skipped; missing fields and unknown enumeration values get the
/// defaults of the message. tools/asarm_tools/text/sentencepiece_file.py implements the same checks with the same messages.
/// </summary>
internal sealed class SentencePieceModel
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<SentencePiece> _pieces = [];
    private ModelType _type = ModelType.Unigram;
    private bool _hasSpaceSuffix;
    private bool _hasByteFallback;
    private bool _escapesSpaces = true;
    private int _pieceBytes;

    private SentencePieceModel()
    {
    }

    private enum ModelType
    {
        Unigram = 1,
        Bpe = 2,
        Word = 3,
        Character = 4,
    }

    public IReadOnlyList<SentencePiece> Pieces => _pieces;

    public int UnknownId { get; private set; }

    /// <summary>precompiled_charsmap; empty if there is none.</summary>
    public byte[] CharacterMap { get; private set; } = [];

    public bool AddDummyPrefix { get; private set; } = true;

    public bool RemoveExtraWhitespaces { get; private set; } = true;

    /// <summary>Reads a unigram model.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or has an unsupported feature, which the message names.</exception>
    public static SentencePieceModel Parse(byte[] bytes)
    {
        var model = new SentencePieceModel();
        try
        {
            using var input = new CodedInputStream(bytes);
            model.Read(input);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new InvalidDataException("it is truncated or damaged", error);
        }

        model.Check();
        return model;
    }

    private static uint Message(int field) => WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited);

    private static uint Number(int field) => WireFormat.MakeTag(field, WireFormat.WireType.Varint);

    /// <summary>Adds a piece. Limits are checked while reading, as a piece needs many times its size in memory.</summary>
    private void Add(SentencePiece piece)
    {
        int bytes = Encoding.UTF8.GetByteCount(piece.Text);
        Require(bytes <= TokenizerLimits.PieceBytes, $"it has a piece of {bytes} bytes, more than {TokenizerLimits.PieceBytes}");
        Require((_pieceBytes += bytes) <= TokenizerLimits.AllPieceBytes, $"its pieces have more than {TokenizerLimits.AllPieceBytes} bytes");
        Require(_pieces.Count < TokenizerLimits.Pieces, $"it has more than {TokenizerLimits.Pieces} pieces");
        _pieces.Add(piece);
    }

    private static SentencePiece ReadPiece(ByteString message)
    {
        var piece = new SentencePiece("", 0, PieceType.Normal);
        using CodedInputStream input = message.CreateCodedInput();
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (tag == Message(1))
                piece = piece with { Text = ReadText(input.ReadBytes()) };
            else if (tag == WireFormat.MakeTag(2, WireFormat.WireType.Fixed32))
                piece = piece with { Score = input.ReadFloat() };
            else if (tag == Number(3))
                piece = piece with { Type = Known((PieceType)input.ReadEnum(), piece.Type) };
            else
                input.SkipLastField();
        }

        return piece;
    }

    private static string ReadText(ByteString bytes)
    {
        try
        {
            return s_strictUtf8.GetString(bytes.Span);
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException("it has a piece that is not UTF-8", error);
        }
    }

    private static T Known<T>(T value, T otherwise)
        where T : struct, Enum => Enum.IsDefined(value) ? value : otherwise;

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new InvalidDataException(message);
    }

    private void Read(CodedInputStream input)
    {
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (tag == Message(1))
                Add(ReadPiece(input.ReadBytes()));
            else if (tag == Message(2))
                ReadTrainer(input.ReadBytes());
            else if (tag == Message(3))
                ReadNormalizer(input.ReadBytes());
            else
                input.SkipLastField();
        }
    }

    private void ReadTrainer(ByteString message)
    {
        using CodedInputStream input = message.CreateCodedInput();
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (tag == Number(3))
                _type = Known((ModelType)input.ReadEnum(), _type);
            else if (tag == Number(24))
                _hasSpaceSuffix = input.ReadBool();
            else if (tag == Number(35))
                _hasByteFallback = input.ReadBool();
            else
                input.SkipLastField();
        }
    }

    private void ReadNormalizer(ByteString message)
    {
        using CodedInputStream input = message.CreateCodedInput();
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (tag == Message(2))
                CharacterMap = input.ReadBytes().ToByteArray();
            else if (tag == Number(3))
                AddDummyPrefix = input.ReadBool();
            else if (tag == Number(4))
                RemoveExtraWhitespaces = input.ReadBool();
            else if (tag == Number(5))
                _escapesSpaces = input.ReadBool();
            else
                input.SkipLastField();
        }
    }

    private void Check()
    {
        string kind = _type switch { ModelType.Bpe => "BPE", ModelType.Word => "word", _ => "character" };
        Require(_pieces.Count > 0, "it has no pieces: it is truncated, or no SentencePiece model");
        Require(_type == ModelType.Unigram, $"it is a {kind} model, only unigram models are supported");
        Require(!_hasSpaceSuffix, "it treats white space as a suffix, which is not supported");
        Require(
            !_hasByteFallback && _pieces.All(piece => piece.Type != PieceType.Byte),
            "it uses byte fallback, which is not supported: train the tokenizer without it");
        Require(_escapesSpaces, "it leaves white space unescaped, which is not supported");
        int[] unknown = [.. Enumerable.Range(0, _pieces.Count).Where(id => _pieces[id].Type == PieceType.Unknown)];
        Require(unknown.Length == 1, $"it has {unknown.Length} unknown tokens instead of one");
        UnknownId = unknown[0];
        Require(_pieces.All(piece => piece.Text.Length > 0), "it has an empty piece");
        Require(_pieces.All(piece => !piece.Text.Contains('\0')), "it has a piece with a null character");
        Require(_pieces.DistinctBy(piece => piece.Text).Count() == _pieces.Count, "it has a piece twice");
        Require(_pieces.Any(piece => piece.Type is not (PieceType.Unknown or PieceType.Control)), "it has no piece of text");
        Require(_pieces.All(piece => float.IsFinite(piece.Score)), "it has a score that is no finite number");
    }
}
