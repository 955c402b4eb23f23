using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// Finds the most probable segmentation of a normalised text into pieces (Kudo 2018, arXiv 1804.10959), by a Viterbi search with the same ties and
/// rounding as SentencePiece: scores are summed in float32 from left to right, and of equal paths the one whose last piece begins first is kept.
/// Hugging Face's library "tokenizers" sums in float64 instead.
/// </summary>
internal sealed class UnigramSegmenter
{
    private const float UnknownPenalty = 10;
    private const float SmallestNormal = 1.17549435e-38f; // FLT_MIN, from which SentencePiece starts its search for the highest score

    private const double DigitCommaPenalty = 100;

    private readonly ByteTrie _pieces = new();
    private readonly double[] _scores;
    private readonly int _unknownId;
    private readonly double _unknownScore;
    private readonly bool _roundsSums;

    /// <summary>Segments like SentencePiece: normal and user-defined pieces, sums in float32.</summary>
    public UnigramSegmenter(SentencePieceModel model)
    {
        (_unknownId, _roundsSums) = (model.UnknownId, true);
        float[] normal = [.. model.Pieces.Where(piece => piece.Type == PieceType.Normal).Select(piece => piece.Score)];
        _unknownScore = normal.DefaultIfEmpty(float.MaxValue).Min() - UnknownPenalty;
        float maxProbability = Math.Max(SmallestNormal, normal.DefaultIfEmpty(SmallestNormal).Max());
        _scores = new double[model.Pieces.Count];
        for (int id = 0; id < _scores.Length; id++)
        {
            SentencePiece piece = model.Pieces[id];
            if (piece.Type is not (PieceType.Normal or PieceType.UserDefined))
                continue;
            byte[] bytes = Encoding.UTF8.GetBytes(piece.Text);
            _pieces.Add(bytes, id);
            // User-defined symbols score higher than any other segmentation, so that they are always chosen.
            _scores[id] = piece.Type == PieceType.UserDefined ? (bytes.Length * maxProbability) - 0.1 : piece.Score;
        }
    }

    private UnigramSegmenter(SentencePieceModel model, double[] scores)
    {
        (_unknownId, _scores, _unknownScore) = (model.UnknownId, scores, scores.Min() - UnknownPenalty);
        for (int id = 0; id < scores.Length; id++)
            _pieces.Add(Encoding.UTF8.GetBytes(model.Pieces[id].Text), id);
    }

    /// <summary>Segments like the library "tokenizers": pieces of all types, sums in float64.</summary>
    /// <param name="model">The pieces.</param>
    /// <param name="penalizesDigitCommas">Whether pieces that end in a digit and a comma score lower than any other segmentation.</param>
    public static UnigramSegmenter ForFastTokenizer(SentencePieceModel model, bool penalizesDigitCommas) =>
        new(model, [.. model.Pieces.Select(piece => piece.Score - (penalizesDigitCommas && DigitComma.Ends(piece.Text) ? DigitCommaPenalty : 0))]);

    /// <summary>Appends the pieces of a text; adjacent unknown characters are one piece.</summary>
    /// <param name="text">Normalised UTF-8.</param>
    /// <param name="pieces">The list to append to.</param>
    public void Segment(ReadOnlySpan<byte> text, List<PlacedPiece> pieces)
    {
        var best = new Step[text.Length + 1];
        for (int start = 0, next; start < text.Length; start = next)
        {
            next = start + Utf8.CharacterLength(text[start]);
            if (!AddPieces(text, start, next, best))
                Relax(ref best[next], Rounded(_unknownScore + best[start].Score), start, _unknownId);
        }

        int count = pieces.Count;
        for (int end = text.Length; end > 0; end = best[end].Start)
        {
            (int start, int id) = (best[end].Start, best[end].Id);
            if (id == _unknownId && pieces.Count > count && pieces[^1].Id == _unknownId)
                pieces[^1] = new PlacedPiece(id, start, pieces[^1].End);
            else
                pieces.Add(new PlacedPiece(id, start, end));
        }

        pieces.Reverse(count, pieces.Count - count);
    }

    /// <summary>Relaxes all pieces that begin at a position. Returns whether the single character is among them.</summary>
    private bool AddPieces(ReadOnlySpan<byte> text, int start, int next, Step[] best)
    {
        bool hasCharacter = false;
        int node = ByteTrie.Root;
        for (int end = start + 1; end <= text.Length && (node = _pieces.Child(node, text[end - 1])) != ByteTrie.None; end++)
        {
            int id = _pieces.Value(node);
            if (id == ByteTrie.None)
                continue;
            Relax(ref best[end], _scores[id] + best[start].Score, start, id);
            hasCharacter |= end == next;
        }

        return hasCharacter;
    }

    private void Relax(ref Step step, double score, int start, int id)
    {
        if (!step.IsReached || score > step.Score)
            step = new Step(Rounded(score), start, id, true);
    }

    private double Rounded(double sum) => _roundsSums ? (float)sum : sum;

    /// <summary>The best path to a position: its last piece and the start of that piece.</summary>
    private readonly record struct Step(double Score, int Start, int Id, bool IsReached);
}
