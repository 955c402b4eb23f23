using System.Text;
using AsArm.Assd.Distributions;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Text;

/// <summary>
/// Encodes a text with gaps or marked spans as a sequence of tokens with targets, and decodes filled gaps. Given text is never changed. A space
/// before a gap or a marked span has no token of its own but belongs to the first token of the target, which is restricted to tokens that agree
/// with the text.
/// </summary>
internal sealed partial class InfillText
{
    private readonly List<Part> _parts = [];
    private readonly List<int> _tokens = [];
    private readonly List<bool> _given = [];
    private readonly InfillTokenizer _tokenizer;
    private readonly GapSpacing _spacing;

    private InfillText(InfillTokenizer tokenizer, GapSpacing spacing) => (_tokenizer, _spacing) = (tokenizer, spacing);

    /// <summary>[Length] Tokens by position; those of gaps are the mask.</summary>
    public int[] Tokens => [.. _tokens];

    /// <summary>[Length] Whether the token at a position is given.</summary>
    public bool[] Given => [.. _given];

    /// <summary>By position of the first token of gaps and spans: the tokens that disagree with the character before it.</summary>
    public IReadOnlyDictionary<int, TokenSet> BannedAt =>
        _parts.Where(part => part.Banned is not null).ToDictionary(part => part.Positions.Start.Value, part => part.Banned!);

    /// <summary>Parses and encodes a marked-up text.</summary>
    /// <param name="text">Marked-up text.</param>
    /// <param name="spans">True if marked spans are the targets and gaps are refused; false if gaps are the targets and [[...]] is plain text.</param>
    /// <param name="tokenizer">The folder's tokenizer.</param>
    /// <param name="manifest">The mask, the separator and the maximum length.</param>
    /// <param name="spacing">Whether the text or the model determines the space before a gap.</param>
    /// <exception cref="InfillTextException">There is no target, or the text is too long.</exception>
    public static InfillText Encode(
        string text, bool spans, InfillTokenizer tokenizer, ModelManifest manifest, GapSpacing spacing = GapSpacing.AsTyped)
    {
        TextLimits.RequireCharacters(text.Length);
        List<TextSegment> segments = TextMarkup.Parse(text, spans, out TextMarkup.Lookalikes lookalikes);
        RequireTargets(segments, spans, lookalikes.Description);
        return Encode(segments, new SegmentEncoder(tokenizer, manifest, spacing));
    }

    /// <summary>Encodes segments with at least one target.</summary>
    /// <exception cref="InfillTextException">The text is too long, or a marked span contains tokens that cannot be generated.</exception>
    public static InfillText Encode(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder)
    {
        var result = new InfillText(encoder.Tokenizer, encoder.Spacing);
        TokenCount count = result.Add(segments, encoder.Manifest);
        TextLimits.RequireTokens(count, segments);
        return result;
    }

    /// <summary>Counts and returns the tokens of segments; without those of gaps if these alone are more than the model takes.</summary>
    /// <exception cref="InfillTextException">The text is too long to be tokenised, or a marked span contains tokens that cannot be generated.</exception>
    public static TokenCount Count(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder, out int[] tokens)
    {
        var result = new InfillText(encoder.Tokenizer, encoder.Spacing);
        TokenCount count = result.Add(segments, encoder.Manifest);
        tokens = result.Tokens;
        return count;
    }

    /// <summary>Refuses segments without a target.</summary>
    /// <exception cref="InfillTextException">There is no target, or a text to score has a gap.</exception>
    public static void RequireTargets(IReadOnlyList<TextSegment> segments, bool spans, string? lookalike)
    {
        if (spans && segments.Any(segment => segment is TextSegment.Gap))
            throw new InfillTextException("A text to score cannot contain gaps: fill them first.");
        if (segments.Any(IsTarget))
            return;
        throw new InfillTextException(
            spans ? "The text marks no span: put [[ and ]] around the text to score."
            : lookalike is not null ? $"The text has no gap: {lookalike}."
            : "The text has no gap: write <mask> for one unknown token or <mask:N> for N.");
    }

    /// <summary>Decodes the text of each gap. Runs of tokens that are not committed appear as &lt;mask:N&gt;.</summary>
    /// <param name="tokens">[Length] Tokens by position.</param>
    /// <param name="committed">[Length] Whether the token at a position is committed; ignored for given tokens.</param>
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

    /// <summary>The whole text, with its gaps replaced.</summary>
    public string Fill(IReadOnlyList<string> gaps)
    {
        var text = new StringBuilder();
        int next = 0;
        foreach (Part part in _parts)
            text.Append(part.IsTarget ? gaps[next++] : part.Text);
        return text.ToString();
    }

    private TokenCount Add(IReadOnlyList<TextSegment> segments, ModelManifest manifest)
    {
        TextLimits.RequireCharacters(segments.OfType<TextSegment.Literal>().Sum(literal => (long)literal.Text.Length));
        long gaps = segments.OfType<TextSegment.Gap>().Sum(gap => gap.Count);
        bool omitsGaps = gaps > manifest.MaxLength; // saves memory for huge gaps
        for (int i = 0; i < segments.Count; i++)
        {
            if (segments[i] is TextSegment.Literal { Tokens: { } tokens, Marked: var isMarked })
                AddTokens(tokens, isMarked, manifest.MaskId);
            else if (segments[i] is TextSegment.Literal literal)
                AddLiteral(literal, i + 1 < segments.Count ? segments[i + 1] : null);
            else
                AddGap((TextSegment.Gap)segments[i], omitsGaps, manifest.MaskId);
        }

        int given = _tokens.Count - (omitsGaps ? 0 : (int)gaps);
        bool hasSeparator = _parts.Find(part => part.IsTarget || part.Positions.End.Value > 0) is { IsTarget: true };
        if (hasSeparator)
            InsertSeparator(manifest.SeparatorId);
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
                start == 0 && isSpaceShown ? _tokenizer.DecodeAfterSpace(run) : _tokenizer.Decode(run));
        }

        return text.ToString();
    }

    /// <summary>
    /// Whether the space mark of a first token is not written as a space: the space is in the given text, or there is none, as at the
    /// start of a text and after a white space token.
    /// </summary>
    private bool IsSpaceShown(Part? before) =>
        before is { SpaceMoved: false, SpaceCarried: true } || (_tokenizer.ImpliesSpaces && before is null or { SpaceMoved: false, EndsInSpace: true });

    private bool IsSpaceShown(Part? before, ReadOnlySpan<int> tokens, ReadOnlySpan<bool> committed)
    {
        if (before is not { IsTarget: true })
            return IsSpaceShown(before);
        int last = before.Positions.End.Value - 1;
        return committed[last] && _tokenizer.IsWhiteSpace(tokens[last]);
    }

    /// <summary>Whether a text begins after a part: the part is missing, has special tokens alone, or is only white space without tokens.</summary>
    private bool IsStart(Part? before) => before is null or { PrecedesText: true } || (_tokens.Count == 0 && _tokenizer.TrimsSpaces);

    /// <summary>The tokens that the first token of a target cannot be, given the part before it; null if there is no restriction.</summary>
    private TokenSet? BannedAfter(Part? before)
    {
        if (_spacing == GapSpacing.FromModel || before is { IsTarget: true } or { HasTokens: true })
            return null;
        bool isStart = IsStart(before);
        TokenSet? banned =
            before is { SpaceCarried: true } && !isStart ? _tokenizer.WithoutMark
            : !isStart && !before!.EndsInSpace ? _tokenizer.WithMark
            : !isStart && !_tokenizer.ImpliesSpaces ? null
            : !_tokenizer.StartsWithMark ? _tokenizer.WithMark
            : _tokenizer.InsideWord;
        return banned?.Tokens.Length < _tokenizer.TextTokenCount ? banned : null;
    }

    private static bool IsTarget(TextSegment? segment) => segment is TextSegment.Gap or TextSegment.Literal { Marked: true };

    private void AddLiteral(TextSegment.Literal literal, TextSegment? next)
    {
        Part? before = _parts.Count == 0 ? null : _parts[^1];
        SpaceAtEnd space = next is null ? SpaceAtEnd.InTokens : _tokenizer.SpaceAtEnd(literal.Text, isAfterGap: before is { IsTarget: true });
        bool movesSpace = _spacing == GapSpacing.FromModel && space == SpaceAtEnd.Carried && IsTarget(next) && literal.Text.EndsWith(' ');
        string given = movesSpace ? literal.Text[..^1] : literal.Text;
        bool isLastWithoutToken = space != SpaceAtEnd.InTokens && (_tokenizer.KeepsWhiteSpace || literal.Text.EndsWith(' '));
        string encoded = isLastWithoutToken ? literal.Text[..^1] : literal.Text;
        int[] tokens = Encode(before, encoded, isFollowed: next is not null && space == SpaceAtEnd.InTokens);
        if (space == SpaceAtEnd.Carried)
            tokens = _tokenizer.WithoutSpaceAtEnd(tokens);
        if (literal.Marked && tokens.Length == 0)
            throw new InfillTextException("A marked span has no token.");
        if (literal.Marked && !_tokenizer.CanWrite(encoded, tokens))
            throw new InfillTextException($"The marked span [[{literal.Text}]] contains characters or symbols that the model cannot write.");
        AddTokens(
            new Part(literal.Marked ? literal.Text : given)
            {
                IsTarget = literal.Marked,
                SpaceMoved = movesSpace,
                SpaceCarried = space == SpaceAtEnd.Carried,
                EndsInSpace = space != SpaceAtEnd.InTokens || _tokenizer.EndsInWhiteSpaceToken(literal.Text),
                Banned = literal.Marked && BannedAfter(before) is TokenSet banned && !banned.Contains(tokens[0]) ? banned : null,
            },
            tokens);
    }

    /// <summary>Encodes a text after a part. White space at the end of that part may belong to the first token of this one.</summary>
    private int[] Encode(Part? before, string text, bool isFollowed)
    {
        if (IsStart(before) || (_tokenizer.KeepsWhiteSpace && !before!.SpaceCarried && before.EndsInSpace))
            return _tokenizer.EncodeStart(text, isFollowed);
        return _tokenizer.EncodeContinuation(before!.SpaceCarried ? " " + text : text, isFollowed);
    }

    private void AddGap(TextSegment.Gap gap, bool omitsTokens, int maskId)
    {
        TokenSet? banned = gap.FollowsFilledGap ? null : BannedAfter(_parts.Count == 0 ? null : _parts[^1]);
        AddTokens(new Part("") { IsTarget = true, IsGiven = gap.Filled is not null, Banned = banned }, gap.Filled ?? Enumerable.Repeat(maskId, omitsTokens ? 0 : (int)gap.Count));
    }

    private void AddTokens(Part part, IEnumerable<int> tokens)
    {
        int start = _tokens.Count;
        _tokens.AddRange(tokens);
        part.Positions = start.._tokens.Count;
        for (int i = start; i < _tokens.Count; i++)
            _given.Add(!part.IsTarget || part.IsGiven);
        _parts.Add(part);
    }

    /// <summary>
    /// Inserts the separator, the end of a document, before a text that begins with a target: it marks the start of a text, and the network
    /// needs at least one given token.
    /// </summary>
    private void InsertSeparator(int separator)
    {
        _tokens.Insert(0, separator);
        _given.Insert(0, true);
        foreach (Part part in _parts)
            part.Positions = (part.Positions.Start.Value + 1)..(part.Positions.End.Value + 1);
    }

    private sealed class Part(string text)
    {
        /// <summary>The text as it appears in the result; empty for gaps.</summary>
        public string Text { get; } = text;

        /// <summary>Whether a single space at the end was moved to the gap that follows (<see cref="GapSpacing.FromModel" />).</summary>
        public bool SpaceMoved { get; init; }

        /// <summary>Whether the last character is the space of the next word's mark, or white space with a token of its own.</summary>
        public bool EndsInSpace { get; init; }

        /// <summary>The tokens that the first token of a target cannot be; null if there is no restriction.</summary>
        public TokenSet? Banned { get; init; }

        /// <summary>Whether white space at the end belongs to the first token of the next part.</summary>
        public bool SpaceCarried { get; init; }

        public bool IsTarget { get; init; }

        /// <summary>Whether its tokens were given, not made of its text.</summary>
        public bool HasTokens { get; init; }

        /// <summary>Whether it has special tokens at the start of a sequence, after which the text begins.</summary>
        public bool PrecedesText { get; init; }

        /// <summary>Whether it is a gap that was filled before.</summary>
        public bool IsGiven { get; init; }

        public Range Positions { get; set; }
    }
}
