using System.Text;
using Google.Protobuf;

namespace AsArm.Inference;

/// <summary>
/// What a SentencePiece .model file says: its pieces by id, and how text is normalised. It is a protobuf message,
/// sentencepiece_model.proto; fields that no unigram encoder needs are skipped.
/// </summary>
internal sealed class SentencePieceModel
{
    private const uint PieceField = 1, TrainerField = 2, NormalizerField = 3;
    private const int Unigram = 1;

    private readonly List<SentencePiece> _pieces = [];
    private bool _isWhole;
    private int _pieceBytes;

    private SentencePieceModel()
    {
    }

    public IReadOnlyList<SentencePiece> Pieces => _pieces;

    public int UnknownId { get; private set; }

    /// <summary>precompiled_charsmap; empty where nothing is replaced.</summary>
    public byte[] CharacterMap { get; private set; } = [];

    public bool AddDummyPrefix { get; private set; } = true;

    public bool RemoveExtraWhitespaces { get; private set; } = true;

    /// <summary>Reads a whole unigram model.</summary>
    /// <exception cref="InvalidProtocolBufferException">Damaged.</exception>
    /// <exception cref="InvalidDataException">Damaged, or of a kind that the runtime does not support; the message says what it is.</exception>
    public static SentencePieceModel Parse(byte[] bytes)
    {
        var model = new SentencePieceModel();
        bool hasTrainer = false;
        using var input = new CodedInputStream(bytes);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (tag == Message(PieceField))
                model.Add(ReadPiece(input.ReadBytes()));
            else if (tag == Message(TrainerField))
                (hasTrainer, _) = (true, RequireUnigram(input.ReadBytes()));
            else if (tag == Message(NormalizerField))
                model.ReadNormalizer(input.ReadBytes());
            else
                input.SkipLastField();
        }

        model._isWhole &= hasTrainer; // they follow the pieces, so a file cut off between two pieces lacks them
        model.Check();
        return model;
    }

    /// <summary>Bounded while it is read, as every piece costs many times its bytes.</summary>
    private void Add(SentencePiece piece)
    {
        int bytes = Encoding.UTF8.GetByteCount(piece.Text);
        Require(bytes <= ModelLimits.PieceBytes, $"it has a piece of {bytes} bytes, more than {ModelLimits.PieceBytes}");
        Require((_pieceBytes += bytes) <= ModelLimits.AllPieceBytes, $"its pieces have more than {ModelLimits.AllPieceBytes} bytes");
        Require(_pieces.Count < ModelLimits.Vocabulary, $"it has more than {ModelLimits.Vocabulary} pieces");
        _pieces.Add(piece);
    }

    private static uint Message(uint field) => WireFormat.MakeTag((int)field, WireFormat.WireType.LengthDelimited);

    private static SentencePiece ReadPiece(ByteString message)
    {
        var piece = new SentencePiece("", 0, PieceType.Normal);
        using CodedInputStream input = message.CreateCodedInput();
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1:
                    piece = piece with { Text = input.ReadString() };
                    break;
                case 2:
                    piece = piece with { Score = input.ReadFloat() };
                    break;
                case 3:
                    piece = piece with { Type = (PieceType)input.ReadEnum() };
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return piece;
    }

    private static bool RequireUnigram(ByteString message)
    {
        using CodedInputStream input = message.CreateCodedInput();
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 3:
                    Require(input.ReadEnum() == Unigram, "it is no unigram model");
                    break;
                case 24:
                    Require(!input.ReadBool(), "it treats white space as a suffix, which is not supported");
                    break;
                case 35:
                    Require(!input.ReadBool(), "it uses byte fallback, which is not supported: train the tokenizer without it");
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return true;
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new InvalidDataException(message);
    }

    private void ReadNormalizer(ByteString message)
    {
        _isWhole = true;
        using CodedInputStream input = message.CreateCodedInput();
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 2:
                    CharacterMap = input.ReadBytes().ToByteArray();
                    break;
                case 3:
                    AddDummyPrefix = input.ReadBool();
                    break;
                case 4:
                    RemoveExtraWhitespaces = input.ReadBool();
                    break;
                case 5:
                    Require(input.ReadBool(), "it leaves white space unescaped, which is not supported");
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    private void Check()
    {
        Require(_isWhole, "it is truncated");
        int[] unknown = [.. Enumerable.Range(0, _pieces.Count).Where(id => _pieces[id].Type == PieceType.Unknown)];
        Require(unknown.Length == 1, $"it has {unknown.Length} unknown tokens instead of one");
        UnknownId = unknown[0];
        Require(_pieces.All(piece => piece.Text.Length > 0), "it has an empty piece");
        Require(_pieces.DistinctBy(piece => piece.Text).Count() == _pieces.Count, "it has a piece twice");
        Require(_pieces.All(piece => float.IsFinite(piece.Score)), "it has a score that is no finite number");
        Require(_pieces.All(piece => piece.Type != PieceType.Byte), "it uses byte fallback, which is not supported: train the tokenizer without it");
    }
}
