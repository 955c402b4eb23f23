using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>Encodes text like SentencePiece, with identical pieces.</summary>
internal sealed class SentencePieceEncoder : ITextEncoder
{
    private readonly string[] _texts;
    private readonly SentencePieceNormalizer _normalizer;
    private readonly UnigramSegmenter _segmenter;
    private readonly Dictionary<string, int> _ids;

    /// <summary>Builds the tables of a model.</summary>
    /// <exception cref="InvalidDataException">The model's character map is damaged.</exception>
    public SentencePieceEncoder(SentencePieceModel model)
    {
        _texts = [.. model.Pieces.Select(piece => piece.Text)];
        UnknownId = model.UnknownId;
        _normalizer = new SentencePieceNormalizer(model);
        _segmenter = new UnigramSegmenter(model);
        _ids = Enumerable.Range(0, model.Pieces.Count).ToDictionary(id => _texts[id]);
    }

    /// <summary>The unknown token.</summary>
    public int UnknownId { get; }

    /// <summary>The token of a piece, of any type; the unknown token if there is none.</summary>
    public int IdOf(string piece) => _ids.GetValueOrDefault(piece, UnknownId);

    /// <summary>The piece of a token.</summary>
    public string TextOf(int token) => _texts[token];

    /// <inheritdoc />
    public void Encode(string text, TextEdges edges, List<int> tokens, List<string>? unknownTexts = null) =>
        Segment(_normalizer.Normalize(Encoding.UTF8.GetBytes(text), edges), tokens, unknownTexts);

    /// <summary>Appends the tokens of a text that is already normalised.</summary>
    /// <inheritdoc cref="Encode" />
    public void EncodeNormalized(string text, List<int> tokens, List<string>? unknownTexts) => Segment(Encoding.UTF8.GetBytes(text), tokens, unknownTexts);

    /// <summary>The pieces of a text. For unknown characters the text is the characters themselves.</summary>
    /// <inheritdoc cref="Encode" />
    public List<(string Text, int Id)> Pieces(string text, TextEdges edges)
    {
        ReadOnlySpan<byte> normalized = _normalizer.Normalize(Encoding.UTF8.GetBytes(text), edges);
        var placed = new List<PlacedPiece>();
        _segmenter.Segment(normalized, placed);
        var pieces = new List<(string, int)>(placed.Count);
        foreach (PlacedPiece piece in placed)
            pieces.Add((piece.Id == UnknownId ? Encoding.UTF8.GetString(normalized[piece.Start..piece.End]) : _texts[piece.Id], piece.Id));
        return pieces;
    }

    private void Segment(ReadOnlySpan<byte> normalized, List<int> tokens, List<string>? unknownTexts)
    {
        var pieces = new List<PlacedPiece>();
        _segmenter.Segment(normalized, pieces);
        foreach (PlacedPiece piece in pieces)
        {
            tokens.Add(piece.Id);
            if (piece.Id == UnknownId)
                unknownTexts?.Add(Encoding.UTF8.GetString(normalized[piece.Start..piece.End]));
        }
    }
}
