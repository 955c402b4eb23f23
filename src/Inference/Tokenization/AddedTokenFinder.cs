namespace AsArm.Inference.Tokenization;

/// <summary>Finds added tokens in a text, from left to right; of several at one position the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly Dictionary<char, (string Text, AddedToken Token)[]> _byFirst;
    private readonly Func<char, bool> _isSpace;

    /// <summary>Indexes the tokens by their first characters.</summary>
    /// <param name="tokens">The tokens and their texts, which are not empty.</param>
    /// <param name="isSpace">Which characters a token that strips white space removes.</param>
    public AddedTokenFinder(IEnumerable<(string Text, AddedToken Token)> tokens, Func<char, bool> isSpace)
    {
        _isSpace = isSpace;
        _byFirst = tokens.GroupBy(token => token.Text[0]).ToDictionary(
            group => group.Key, group => group.OrderByDescending(token => token.Text.Length).ToArray());
        Firsts = new string([.. _byFirst.Keys]);
    }

    /// <summary>The first characters of the texts of all tokens.</summary>
    private string Firsts { get; }

    /// <summary>Splits a text into the sections between added tokens, which may be empty; each but the last with the token after it.</summary>
    public IEnumerable<(Range Section, int? Token)> Split(string text)
    {
        int from = 0, at = 0;
        while (Next(text, at) is (int start, string found, AddedToken token))
        {
            int end = start + found.Length;
            yield return (from..(token.StripLeft ? TrimEnd(text, from, start) : start), token.Id);
            while (token.StripRight && end < text.Length && _isSpace(text[end]))
                end++;
            from = at = end;
        }

        yield return (from..text.Length, null);
    }

    /// <summary>Applies a function to everything but the matches of added tokens.</summary>
    public string ChangeOutside(string text, Func<string, string> change)
    {
        var parts = new List<string>();
        int from = 0;
        while (Next(text, from) is (int start, string found, _))
        {
            parts.Add(change(text[from..start]));
            parts.Add(found);
            from = start + found.Length;
        }

        parts.Add(change(text[from..]));
        return string.Concat(parts);
    }

    private (int Start, string Text, AddedToken Token)? Next(string text, int from)
    {
        for (int at = from; at < text.Length; at++)
        {
            int skip = text.AsSpan(at).IndexOfAny(Firsts);
            if (skip < 0)
                return null;
            at += skip;
            foreach ((string candidate, AddedToken token) in _byFirst[text[at]])
            {
                if (string.CompareOrdinal(text, at, candidate, 0, candidate.Length) == 0)
                    return (at, candidate, token);
            }
        }

        return null;
    }

    private int TrimEnd(string text, int from, int end)
    {
        while (end > from && _isSpace(text[end - 1]))
            end--;
        return end;
    }
}
