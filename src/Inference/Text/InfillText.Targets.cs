using AsArm.Assd.Distributions;

namespace AsArm.Inference.Text;

/// <content>Tokens and places of filled gaps and of scored spans.</content>
internal sealed partial class InfillText
{
    private IEnumerable<Part> Targets => _parts.Where(part => part.IsTarget);

    /// <summary>The positions of each target, from left to right.</summary>
    public Range[] TargetPositions => [.. Targets.Select(part => part.Positions)];

    /// <summary>By target, whether the space of its first token is in the text before it, or there is none; null if that depends on the last token of a gap that is not filled.</summary>
    public bool?[] SpacesShown
    {
        get
        {
            var (committed, tokens) = (new bool[_tokens.Count], Tokens);
            Array.Fill(committed, true);
            return [.. _parts.Index().Where(entry => entry.Item.IsTarget).Select(entry => entry.Index == 0 ? null : _parts[entry.Index - 1])
                .Select(before => before is { IsTarget: true, IsGiven: false } ? (bool?)null : IsSpaceShown(before, tokens, committed))];
        }
    }

    /// <summary>Where each gap begins in the text that <see cref="Fill" /> returns.</summary>
    /// <param name="gaps">The texts of the gaps.</param>
    public int[] GapStarts(IReadOnlyList<string> gaps)
    {
        var starts = new List<int>();
        int at = 0;
        foreach (Part part in _parts)
        {
            if (part.IsTarget)
                starts.Add(at);
            at += part.IsTarget ? gaps[starts.Count - 1].Length : part.Text.Length;
        }

        return [.. starts];
    }

    /// <summary>Gap and index in the gap of the token at a position.</summary>
    public (int Gap, int Index) PlaceOf(int position)
    {
        int gap = 0;
        foreach (Part part in Targets)
        {
            if (position < part.Positions.End.Value)
                return (gap, position - part.Positions.Start.Value);
            gap++;
        }

        throw new ArgumentOutOfRangeException(nameof(position), position, "It is not in a gap.");
    }

    /// <summary>The text of the token at a position, given the tokens before it.</summary>
    /// <param name="position">A position in a target.</param>
    /// <param name="tokens">[Length] Tokens by position.</param>
    /// <param name="committed">[Length] Whether the token at a position is committed; ignored for given tokens.</param>
    public string TokenText(int position, ReadOnlySpan<int> tokens, ReadOnlySpan<bool> committed) =>
        TokenText(_parts.FindIndex(part => part.IsTarget && position < part.Positions.End.Value), position, tokens, committed);

    private string TokenText(int index, int position, ReadOnlySpan<int> tokens, ReadOnlySpan<bool> committed)
    {
        bool isFirst = position == _parts[index].Positions.Start.Value;
        bool isSpaceShown = isFirst ? IsSpaceShown(index == 0 ? null : _parts[index - 1], tokens, committed)
            : committed[position - 1] && _tokenizer.IsWhiteSpace(tokens[position - 1]);
        ReadOnlySpan<int> token = tokens.Slice(position, 1);
        return isSpaceShown ? _tokenizer.DecodeAfterSpace(token) : _tokenizer.Decode(token);
    }

    /// <summary>Decodes the text of one target, while others may be unknown.</summary>
    /// <param name="target">The index of the target.</param>
    /// <param name="tokens">[Length] Tokens by position.</param>
    /// <param name="committed">[Length] Whether the token at a position is committed; ignored for given tokens.</param>
    public string DecodeGap(int target, ReadOnlySpan<int> tokens, ReadOnlySpan<bool> committed)
    {
        int index = _parts.IndexOf(Targets.ElementAt(target));
        Range positions = _parts[index].Positions;
        return DecodeGap(tokens[positions], committed[positions], IsSpaceShown(index == 0 ? null : _parts[index - 1], tokens, committed));
    }

    /// <summary>The tokens of each target.</summary>
    /// <param name="tokens">[Length] Tokens by position.</param>
    /// <param name="scores">[Length] Log-probability and rank of the target at a position.</param>
    public IReadOnlyList<TokenScore>[] TargetTokens(int[] tokens, (double LogProbability, int Rank)[] scores)
    {
        var committed = new bool[tokens.Length];
        Array.Fill(committed, true);
        return [.. _parts.Index().Where(entry => entry.Item.IsTarget).Select(entry => TokensOf(entry.Index, tokens, scores, committed))];
    }

    /// <summary>The tokens of one target, while others may be unknown.</summary>
    /// <param name="target">The index of the target.</param>
    /// <param name="tokens">[Length] Tokens by position.</param>
    /// <param name="scores">[Length] Log-probability and rank of the target at a position.</param>
    /// <param name="committed">[Length] Whether the token at a position is known.</param>
    public IReadOnlyList<TokenScore> TargetTokens(int target, int[] tokens, (double LogProbability, int Rank)[] scores, bool[] committed) =>
        TokensOf(_parts.IndexOf(Targets.ElementAt(target)), tokens, scores, committed);

    private TokenScore[] TokensOf(int index, int[] tokens, (double LogProbability, int Rank)[] scores, bool[] committed)
    {
        Range positions = _parts[index].Positions;
        int start = positions.Start.Value, count = positions.End.Value - start;
        bool isSpaceShown = IsSpaceShown(index == 0 ? null : _parts[index - 1], tokens, committed);
        string[] texts = [.. Enumerable.Range(start, count).Select(at => TokenText(index, at, tokens, committed))];
        if (string.Concat(texts) != DecodeGap(tokens.AsSpan(positions), committed.AsSpan(positions), isSpaceShown))
            texts = TextsByPrefix(tokens.AsSpan(positions), isSpaceShown);
        return [.. texts.Select((text, i) => new TokenScore(tokens[start + i], text, scores[start + i].LogProbability, scores[start + i].Rank))];
    }

    /// <summary>Where characters are divided between tokens: a character is of the token that completes it.</summary>
    private string[] TextsByPrefix(ReadOnlySpan<int> tokens, bool isSpaceShown)
    {
        var texts = new string[tokens.Length];
        int shown = 0;
        for (int i = 0; i < tokens.Length; i++)
        {
            string prefix = isSpaceShown ? _tokenizer.DecodeAfterSpace(tokens[..(i + 1)]) : _tokenizer.Decode(tokens[..(i + 1)]);
            if (i + 1 < tokens.Length)
                prefix = prefix.TrimEnd('\uFFFD');
            texts[i] = prefix[Math.Min(shown, prefix.Length)..];
            shown = Math.Max(shown, prefix.Length);
        }

        return texts;
    }

    /// <summary>Number of characters of the filled text before the first token that is not committed.</summary>
    /// <param name="tokens">[Length] Tokens by position.</param>
    /// <param name="committed">[Length] Whether the token at a position is committed; ignored for given tokens.</param>
    /// <param name="isComplete">Whether there is no such token.</param>
    public int StableLength(ReadOnlySpan<int> tokens, ReadOnlySpan<bool> committed, out bool isComplete)
    {
        int length = 0;
        Part? before = null;
        foreach (Part part in _parts)
        {
            if (part.IsTarget)
            {
                int count = committed[part.Positions].IndexOf(false);
                isComplete = count < 0;
                ReadOnlySpan<int> known = isComplete ? tokens[part.Positions] : tokens.Slice(part.Positions.Start.Value, count);
                string text = known.IsEmpty ? "" : IsSpaceShown(before, tokens, committed) ? _tokenizer.DecodeAfterSpace(known) : _tokenizer.Decode(known);
                length += isComplete ? text.Length : text.TrimEnd('\uFFFD').Length; // of a character whose last bytes are to come
                if (!isComplete)
                    return length;
            }
            else
                length += part.Text.Length;
            before = part;
        }

        isComplete = true;
        return length;
    }

    /// <summary>The scores of the marked spans.</summary>
    /// <param name="scores">[targets] Log-probabilities (natural) by rank, from left to right.</param>
    /// <param name="top">[targets] The most probable tokens of each; null without.</param>
    public ScoreResult Score(IReadOnlyList<double> scores, IReadOnlyList<IReadOnlyList<TokenProbability>>? top = null)
    {
        var byPosition = new (double LogProbability, int Rank)[_tokens.Count];
        int next = 0;
        foreach (Part part in Targets)
        {
            for (int at = part.Positions.Start.Value; at < part.Positions.End.Value; at++, next++)
                byPosition[at] = (scores[next], next);
        }

        IEnumerable<SpanScore> spans = Targets.Zip(TargetTokens(Tokens, byPosition), (part, tokens) =>
            new SpanScore(part.Text, tokens.Sum(token => token.LogProbability), tokens.Count) { TokenScores = top is null ? tokens : WithTop(part, tokens, top) });
        return new ScoreResult(scores.Sum(), scores.Count, [.. spans]);
    }

    private TokenScore[] WithTop(Part part, IReadOnlyList<TokenScore> scores, IReadOnlyList<IReadOnlyList<TokenProbability>> top)
    {
        int[] tokens = Tokens;
        var committed = new bool[tokens.Length];
        Array.Fill(committed, true);
        return [.. scores.Select((score, i) => score with { TopTokens = [.. top[score.Rank].Select(one => AlternativeAt(part.Positions.Start.Value + i, one))] })];

        TokenAlternative AlternativeAt(int position, TokenProbability one)
        {
            int scored = tokens[position];
            tokens[position] = one.Token;
            var alternative = new TokenAlternative(one.Token, TokenText(position, tokens, committed), Math.Log(one.Probability));
            tokens[position] = scored;
            return alternative;
        }
    }
}
