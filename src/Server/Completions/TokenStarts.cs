using System.Globalization;
using System.Text;

namespace AsArm.Server.Completions;

/// <summary>
/// Finds where the tokens of a text begin in it, though the tokenizer may have normalised it: Unicode's compatibility forms, accents, case and white space may
/// differ. A token reaches to the beginning of the next one and the last to the end, so that all together are the text.
/// </summary>
internal static class TokenStarts
{
    private const int MaxSkipped = 16;

    /// <summary>[tokens] The index of the first character of each token.</summary>
    /// <param name="text">The text.</param>
    /// <param name="tokens">The texts of its tokens, as the tokenizer decodes them.</param>
    public static int[] Of(string text, IReadOnlyList<string> tokens)
    {
        var starts = new int[tokens.Count];
        if (string.Concat(tokens) == text)
        {
            for (int i = 1; i < starts.Length; i++)
                starts[i] = starts[i - 1] + tokens[i - 1].Length;
            return starts;
        }

        List<Letter> source = [], found = [];
        AddLetters(source, text, null);
        for (int i = 0; i < tokens.Count; i++)
            AddLetters(found, tokens[i], i);
        int[] places = Align(source, found);
        int next = 0, end = 0; // of the letters of the tokens before
        for (int i = 0; i < starts.Length; i++)
        {
            bool hasLetters = next < found.Count && found[next].Origin == i;
            int start = hasLetters ? PlaceOf(places[next]) : end;
            if (hasLetters && tokens[i].Length > 0 && char.IsWhiteSpace(tokens[i][0]))
            {
                while (start > 0 && char.IsWhiteSpace(text[start - 1]))
                    start--;
            }

            starts[i] = i == 0 ? 0 : Math.Max(starts[i - 1], start);
            while (next < found.Count && found[next].Origin == i)
            {
                end = places[next] < source.Count ? source[places[next]].End : text.Length;
                next++;
            }
        }

        return starts;

        int PlaceOf(int letter) => letter < source.Count ? source[letter].Origin : text.Length;
    }

    /// <summary>[found] The letter of the source that each letter of the tokens stands for; the number of letters for none.</summary>
    private static int[] Align(List<Letter> source, List<Letter> found)
    {
        var places = new int[found.Count];
        int at = 0, to = 0;
        while (to < found.Count)
        {
            if (at < source.Count && source[at].Value != found[to].Value)
            {
                (int skipped, int added) = Difference(source, at, found, to);
                for (int i = 0; i < added; i++)
                    places[to++] = at + Math.Min(i, Math.Max(0, skipped - 1));
                at += skipped;
                continue;
            }

            places[to++] = Math.Min(at, source.Count);
            at++;
        }

        return places;
    }

    /// <summary>The fewest letters of both after which they agree again; one of each if they do not soon.</summary>
    private static (int Skipped, int Added) Difference(List<Letter> source, int at, List<Letter> found, int to)
    {
        for (int sum = 1; sum <= MaxSkipped; sum++)
        {
            for (int skipped = 0; skipped <= sum; skipped++)
            {
                if (Agree(source, at + skipped, found, to + sum - skipped))
                    return (skipped, sum - skipped);
            }
        }

        return (1, 1);
    }

    private static bool Agree(List<Letter> source, int at, List<Letter> found, int to)
    {
        int left = Math.Min(source.Count - at, found.Count - to);
        return left <= 0 ? left == 0 && source.Count - at == found.Count - to : source[at].Value == found[to].Value;
    }

    /// <summary>The letters of a text, without accents, case and white space.</summary>
    private static void AddLetters(List<Letter> letters, string text, int? origin)
    {
        for (int at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out int length);
            foreach (char one in rune.ToString().Normalize(NormalizationForm.FormKD))
            {
                if (!char.IsWhiteSpace(one) && char.GetUnicodeCategory(one) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.Format or UnicodeCategory.Control))
                    letters.Add(new Letter(char.ToLowerInvariant(one), origin ?? at, at + length));
            }

            at += length;
        }
    }

    /// <summary>A letter.</summary>
    /// <param name="Value">The letter.</param>
    /// <param name="Origin">Where it begins in the text, or the index of its token.</param>
    /// <param name="End">Where it ends in the text.</param>
    private readonly record struct Letter(char Value, int Origin, int End);
}
