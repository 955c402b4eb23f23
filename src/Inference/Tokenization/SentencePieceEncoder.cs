using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>Text to tokens as SentencePiece does it, piece for piece.</summary>
internal sealed class SentencePieceEncoder
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

    public int UnknownId { get; }

    /// <summary>The token of a piece, of any type; the unknown token if there is none.</summary>
    public int IdOf(string piece) => _ids.GetValueOrDefault(piece, UnknownId);

    /// <summary>The piece of a token.</summary>
    public string TextOf(int token) => _texts[token];

    /// <summary>The tokens of a text.</summary>
    /// <param name="text">A lone surrogate counts as U+FFFD.</param>
    /// <param name="edges">What becomes of its white space at both ends.</param>
    /// <param name="tokens">Where they are appended.</param>
    public void Encode(string text, TextEdges edges, List<int> tokens)
    {
        var pieces = new List<PlacedPiece>();
        _segmenter.Segment(_normalizer.Normalize(Encoding.UTF8.GetBytes(text), edges), pieces);
        foreach (PlacedPiece piece in pieces)
            tokens.Add(piece.Id);
    }

    /// <summary>The pieces of a text; of unknown characters, the characters themselves.</summary>
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
}
