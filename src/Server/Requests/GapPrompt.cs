using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Server.Requests;

/// <summary>A text with one gap between a prefix and a suffix, in neither of which anything is markup.</summary>
internal static class GapPrompt
{
    /// <summary>The prompt: a gap of unknown length before a suffix, one of a given length at the end of a text.</summary>
    /// <param name="prefix">The text before the gap.</param>
    /// <param name="suffix">The text after it; null or empty for a continuation.</param>
    /// <param name="tokens">Tokens of the gap, at most.</param>
    public static InfillPrompt Of(string prefix, string? suffix, int tokens) => Of(new InfillPrompt().AddText(prefix), suffix, tokens);

    /// <inheritdoc cref="Of(string, string?, int)" />
    /// <param name="prefix">What is before the gap, to which the rest is added.</param>
    /// <param name="suffix">The text after it; null or empty for a continuation.</param>
    /// <param name="tokens">Tokens of the gap, at most.</param>
    public static InfillPrompt Of(InfillPrompt prefix, string? suffix, int tokens) =>
        string.IsNullOrEmpty(suffix) ? prefix.AddGap(tokens) : prefix.AddGap(GapSpecification.Tokens(1, tokens)).AddText(suffix);

    /// <summary>
    /// After a space that was typed the gap begins with a word; after other characters the model decides, since a client that sends a text up to the end of a
    /// word wants the next word as well as the rest of this one.
    /// </summary>
    public static GapSpacing SpacingAfter(string prefix) => prefix.Length > 0 && char.IsWhiteSpace(prefix[^1]) ? GapSpacing.AsTyped : GapSpacing.FromModel;

    /// <summary>
    /// Cuts a prefix at its beginning and a suffix at its end, so that the text fits: at most a quarter of the room is left to the suffix, unless the prefix
    /// needs less than the rest.
    /// </summary>
    /// <param name="infiller">The model.</param>
    /// <param name="prefix">The prefix.</param>
    /// <param name="suffix">The suffix.</param>
    /// <param name="tokens">Tokens of the gap.</param>
    public static (string Prefix, string Suffix) Fit(ITextInfiller infiller, string prefix, string suffix, int tokens)
    {
        int room = infiller.Model.MaxTokens - tokens - 8; // joints between the parts may be divided into other tokens
        // A token of text has at most some tens of characters: what is longer cannot fit and need not be counted.
        int characters = Math.Max(1, room) * 64;
        if (prefix.Length > characters)
            prefix = After(prefix, prefix.Length - characters);
        if (suffix.Length > characters)
            suffix = Before(suffix, characters);
        int after = Math.Min(Count(infiller, suffix), Math.Max(room / 4, room - Count(infiller, prefix)));
        suffix = Longest(suffix.Length, length => Before(suffix, length), text => Count(infiller, text) <= after);
        int before = room - Count(infiller, suffix);
        string whole = prefix;
        prefix = Longest(prefix.Length, length => After(whole, whole.Length - length), text => Count(infiller, text) <= before);
        return (prefix, suffix);
    }

    /// <summary>The longest part that fits, by bisection.</summary>
    private static string Longest(int length, Func<int, string> part, Func<string, bool> fits)
    {
        if (fits(part(length)))
            return part(length);
        int good = 0, bad = length;
        while (bad - good > 1)
        {
            int middle = (good + bad) / 2;
            if (fits(part(middle)))
                good = middle;
            else
                bad = middle;
        }

        return part(good);
    }

    private static int Count(ITextInfiller infiller, string text) => text.Length == 0 ? 0 : (int)infiller.CountTokens(new InfillPrompt().AddText(text)).Total;

    private static string Before(string text, int length) => text[..(length > 0 && char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];

    private static string After(string text, int start) => text[(start < text.Length && char.IsLowSurrogate(text[start]) ? start + 1 : start)..];
}
