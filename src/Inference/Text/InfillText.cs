using System.Text;
using AsArm.Assd.Distributions;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Text;

/// <summary>
/// A marked-up text as a sequence of tokens with targets, and the way back. Given text is kept as written. A space before a gap or a
/// marked span has no token of its own: the target's first token carries it, so that token is restricted to those that agree with the text.
/// </summary>
internal sealed class InfillText
{
    private readonly List<Part> _parts = [];
    private readonly List<int> _tokens = [];
    private readonly List<bool> _given = [];
    private readonly InfillTokenizer _tokenizer;
    private readonly GapSpacing _spacing;

    private InfillText(InfillTokenizer tokenizer, GapSpacing spacing) => (_tokenizer, _spacing) = (tokenizer, spacing);

    /// <summary>[Length] by position; targets of gaps hold the mask id.</summary>
    public int[] Tokens => [.. _tokens];

    /// <summary>[Length] true where the token is given.</summary>
    public bool[] Given => [.. _given];

    /// <summary>By position: what the first tokens of gaps and spans cannot be, given the characters before them.</summary>
    public IReadOnlyDictionary<int, TokenSet> BannedAt =>
        _parts.Where(part => part.Banned is not null).ToDictionary(part => part.Positions.Start.Value, part => part.Banned!);

    /// <summary>Parses and encodes.</summary>
    /// <param name="text">Marked-up text.</param>
    /// <param name="spans">True to take marked spans as targets and refuse gaps; false to take gaps and leave [[...]] alone.</param>
    /// <param name="tokenizer">The folder's tokenizer.</param>
    /// <param name="manifest">Mask, separator and the maximum length.</param>
    /// <param name="spacing">Who decides about the space before a gap.</param>
    /// <exception cref="InfillTextException">Nothing to fill or score, or too long.</exception>
    public static InfillText Encode(
        string text, bool spans, InfillTokenizer tokenizer, ModelManifest manifest, GapSpacing spacing = GapSpacing.AsTyped)
    {
        TextLimits.RequireCharacters(text.Length);
        List<TextSegment> segments = TextMarkup.Parse(text, spans, out TextMarkup.Lookalikes lookalikes);
        RequireTargets(segments, spans, lookalikes.Description);
        return Encode(segments, new SegmentEncoder(tokenizer, manifest, spacing));
    }

    /// <summary>Encodes segments of which one is a target at least.</summary>
    /// <exception cref="InfillTextException">Too long, or a marked span that the model cannot write.</exception>
    public static InfillText Encode(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder)
    {
        var result = new InfillText(encoder.Tokenizer, encoder.Spacing);
        TokenCount count = result.Add(segments, encoder.Manifest);
        TextLimits.RequireTokens(count, segments);
        return result;
    }

    /// <summary>Counts the tokens of segments; they are all in the result if they are not more than the model takes.</summary>
    /// <exception cref="InfillTextException">Too long to count, or a marked span that the model cannot write.</exception>
    public static TokenCount Count(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder, out int[] tokens)
    {
        var result = new InfillText(encoder.Tokenizer, encoder.Spacing);
        TokenCount count = result.Add(segments, encoder.Manifest);
        tokens = result.Tokens;
        return count;
    }

    /// <summary>Refuses what has nothing to fill or to score.</summary>
    /// <exception cref="InfillTextException">No target, or a gap in a text to score.</exception>
    public static void RequireTargets(IReadOnlyList<TextSegment> segments, bool spans, string? lookalike)
    {
        if (spans && segments.Any(segment => segment is TextSegment.Gap))
            throw new InfillTextException("A text to score cannot hold gaps: fill them first.");
        if (segments.Any(IsTarget))
            return;
        throw new InfillTextException(
            spans ? "The text marks no span: put [[ and ]] around what is to be scored."
            : lookalike is not null ? $"The text has no gap: {lookalike}."
            : "The text has no gap: write <mask> for one unknown token or <mask:N> for N.");
    }

    /// <summary>The text of each gap, which in its place gives the whole text; undecided tokens appear as &lt;mask:N&gt;.</summary>
    /// <param name="tokens">[Length] by position.</param>
    /// <param name="committed">[Length] true where the token is final; given tokens do not matter.</param>
    public string[] DecodeGaps(ReadOnlySpan<int> tokens, ReadOnlySpan<bool> committed)
    {
        var gaps = new List<string>();
        Part? before = null;
        foreach (Part part in _parts)
        {
            if (part.IsTarget)
                gaps.Add(DecodeGap(tokens[part.Positions], committed[part.Positions], IsSpaceShown(before, tokens, committed)));
            before = part;
        }

        return [.. gaps];
    }

    /// <summary>The whole text with its gaps replaced.</summary>
    public string Fill(IReadOnlyList<string> gaps)
    {
        var text = new StringBuilder();
        int next = 0;
        foreach (Part part in _parts)
            text.Append(part.IsTarget ? gaps[next++] : part.Text);
        return text.ToString();
    }

    /// <summary>The shares of the marked spans.</summary>
    /// <param name="scores">[targets] natural log-probabilities by rank, left to right.</param>
    public ScoreResult Score(IReadOnlyList<double> scores)
    {
        var spans = new List<SpanScore>();
        int next = 0;
        foreach (Part part in _parts.Where(part => part.IsTarget))
        {
            int count = part.Positions.End.Value - part.Positions.Start.Value;
            spans.Add(new SpanScore(part.Text, scores.Skip(next).Take(count).Sum(), count));
            next += count;
        }

        return new ScoreResult(scores.Sum(), scores.Count, spans);
    }

    private TokenCount Add(IReadOnlyList<TextSegment> segments, ModelManifest manifest)
    {
        TextLimits.RequireCharacters(segments.OfType<TextSegment.Literal>().Sum(literal => (long)literal.Text.Length));
        long gaps = segments.OfType<TextSegment.Gap>().Sum(gap => gap.Count);
        bool leavesGapsOut = gaps > manifest.MaxLength; // they take memory
        for (int i = 0; i < segments.Count; i++)
        {
            if (segments[i] is TextSegment.Literal literal)
                AddLiteral(literal, i + 1 < segments.Count ? segments[i + 1] : null);
            else
                AddGap((TextSegment.Gap)segments[i], leavesGapsOut, manifest.MaskId);
        }

        int given = _tokens.Count - (leavesGapsOut ? 0 : (int)gaps);
        bool hasSeparator = _parts.Find(part => part.IsTarget || part.Positions.End.Value > 0) is { IsTarget: true };
        if (hasSeparator)
            PutFirst(manifest.SeparatorId);
        return new TokenCount(given, gaps, hasSeparator ? 1 : 0, manifest.MaxLength);
    }

    private string DecodeGap(ReadOnlySpan<int> tokens, ReadOnlySpan<bool> committed, bool isSpaceShown)
    {
        var text = new StringBuilder();
        for (int start = 0, end; start < tokens.Length; start = end)
        {
            end = start + 1;
            while (end < tokens.Length && committed[end] == committed[start])
                end++;
            ReadOnlySpan<int> run = tokens[start..end];
            text.Append(
                !committed[start] ? $"<mask:{run.Length}>" :
                start == 0 && isSpaceShown ? _tokenizer.DecodeStart(run) : _tokenizer.Decode(run));
        }

        return text.ToString();
    }

    /// <summary>
    /// Whether the space that a first token's mark stands for is not to be written: it is in the given text, or there is none, as at the
    /// start of a text and after a token that is white space itself.
    /// </summary>
    private static bool IsSpaceShown(Part? before) => before is null || (!before.SpaceTaken && before.EndsInSpace);

    private bool IsSpaceShown(Part? before, ReadOnlySpan<int> tokens, ReadOnlySpan<bool> committed)
    {
        if (before is not { IsTarget: true })
            return IsSpaceShown(before);
        int last = before.Positions.End.Value - 1;
        return committed[last] && _tokenizer.IsWhiteSpace(tokens[last]);
    }

    /// <summary>Whether a text begins after a part: there is nothing, or only white space that has no tokens.</summary>
    private bool IsStart(Part? before) => before is null || (_tokens.Count == 0 && _tokenizer.TrimsSpaces);

    /// <summary>What cannot be the first token of a target after a part, so that the text before it stays as it is; null for nothing.</summary>
    private TokenSet? BannedAfter(Part? before)
    {
        if (_spacing == GapSpacing.FromModel || before is { IsTarget: true })
            return null;
        bool isStart = IsStart(before);
        TokenSet banned =
            before is { SpaceCarried: true } && !isStart ? _tokenizer.WithoutMark
            : !isStart && !before!.EndsInSpace ? _tokenizer.WithMark
            : !_tokenizer.StartsWithMark ? _tokenizer.WithMark
            : _tokenizer.InsideWord;
        return banned.Tokens.Length < _tokenizer.TextTokenCount ? banned : null;
    }

    private static bool IsTarget(TextSegment? segment) => segment is TextSegment.Gap or TextSegment.Literal { Marked: true };

    private void AddLiteral(TextSegment.Literal literal, TextSegment? next)
    {
        Part? before = _parts.Count == 0 ? null : _parts[^1];
        SpaceAtEnd space = next is null ? SpaceAtEnd.InTokens : _tokenizer.SpaceAtEnd(literal.Text, isAfterGap: before is { IsTarget: true });
        bool takeSpace = _spacing == GapSpacing.FromModel && space == SpaceAtEnd.Carried && IsTarget(next) && literal.Text.EndsWith(' ');
        string given = takeSpace ? literal.Text[..^1] : literal.Text;
        bool isLastWithoutToken = space != SpaceAtEnd.InTokens && (_tokenizer.KeepsWhiteSpace || literal.Text.EndsWith(' '));
        string encoded = isLastWithoutToken ? literal.Text[..^1] : literal.Text;
        int[] tokens = Encode(before, encoded);
        if (space == SpaceAtEnd.Carried)
            tokens = _tokenizer.WithoutSpaceAtEnd(tokens);
        if (literal.Marked && tokens.Length == 0)
            throw new InfillTextException("A marked span holds no token.");
        if (literal.Marked && !_tokenizer.CanWrite(encoded, tokens))
            throw new InfillTextException($"The marked span [[{literal.Text}]] holds characters or symbols that the model cannot write.");
        AddTokens(
            new Part(literal.Marked ? literal.Text : given)
            {
                IsTarget = literal.Marked,
                SpaceTaken = takeSpace,
                SpaceCarried = space == SpaceAtEnd.Carried,
                EndsInSpace = space != SpaceAtEnd.InTokens || _tokenizer.EndsInWhiteSpaceToken(literal.Text),
                Banned = literal.Marked && BannedAfter(before) is TokenSet banned && !banned.Contains(tokens[0]) ? banned : null,
            },
            tokens);
    }

    /// <summary>White space at the end of a part may stand before the next word, in its token.</summary>
    private int[] Encode(Part? before, string text)
    {
        if (IsStart(before) || (_tokenizer.KeepsWhiteSpace && !before!.SpaceCarried && before.EndsInSpace))
            return _tokenizer.EncodeStart(text);
        return _tokenizer.EncodeContinuation(before!.SpaceCarried ? " " + text : text);
    }

    private void AddGap(TextSegment.Gap gap, bool leavesTokensOut, int maskId)
    {
        TokenSet? banned = gap.FollowsFilledGap ? null : BannedAfter(_parts.Count == 0 ? null : _parts[^1]);
        AddTokens(new Part("") { IsTarget = true, Banned = banned }, Enumerable.Repeat(maskId, leavesTokensOut ? 0 : (int)gap.Count));
    }

    private void AddTokens(Part part, IEnumerable<int> tokens)
    {
        int start = _tokens.Count;
        _tokens.AddRange(tokens);
        part.Positions = start.._tokens.Count;
        for (int i = start; i < _tokens.Count; i++)
            _given.Add(!part.IsTarget);
        _parts.Add(part);
    }

    /// <summary>
    /// Before a text that begins with a target goes the end of a document: it tells the network that a text begins here, and the
    /// network needs one given token at least.
    /// </summary>
    private void PutFirst(int separator)
    {
        _tokens.Insert(0, separator);
        _given.Insert(0, true);
        foreach (Part part in _parts)
            part.Positions = (part.Positions.Start.Value + 1)..(part.Positions.End.Value + 1);
    }

    private sealed class Part(string text)
    {
        /// <summary>As it appears in the result; empty for gaps.</summary>
        public string Text { get; } = text;

        /// <summary>A single space after the text was left to the gap that follows.</summary>
        public bool SpaceTaken { get; init; }

        /// <summary>The text's last character is what the mark of a word that follows stands for, or is white space with a token of its own.</summary>
        public bool EndsInSpace { get; init; }

        /// <summary>What the first token of a target cannot be.</summary>
        public TokenSet? Banned { get; init; }

        /// <summary>White space after the text belongs to the tokens of what follows.</summary>
        public bool SpaceCarried { get; init; }

        public bool IsTarget { get; init; }

        public Range Positions { get; set; }
    }
}
