using System.Buffers;
using System.Text.RegularExpressions;
using AsArm.Assd.Randomness;

namespace AsArm.Perf.Lengths;

/// <summary>Cuts words, phrases and ends of sentences out of documents, as users would: at borders of words, punctuation left where it is.</summary>
internal static partial class GapCutter
{
    public static readonly IReadOnlyList<string> Kinds = ["word", "phrase", "sentence end"];

    private static readonly SearchValues<char> s_ends = SearchValues.Create(".!?\";:");
    private const int WordsBefore = 24;
    private const int WordsAfter = 18;
    private const string DocumentEnd = "<|endoftext|>";

    /// <summary>Cuts gaps, the kinds by turns, each out of another paragraph.</summary>
    /// <param name="text">Documents.</param>
    /// <param name="count">Number of gaps of each kind.</param>
    /// <param name="seed">The seed of the choice.</param>
    public static List<TrueGap> Cut(string text, int count, long seed)
    {
        var random = new SplitMix64(seed);
        string[] paragraphs = [.. text.ReplaceLineEndings("\n").Replace(DocumentEnd, "", StringComparison.Ordinal).Split('\n')
            .Select(paragraph => paragraph.Trim()).Where(paragraph => Word().Count(paragraph) >= 12).OrderBy(_ => random.NextDouble())];
        var gaps = new List<TrueGap>();
        foreach (string paragraph in paragraphs)
        {
            if (gaps.Count == count * Kinds.Count)
                break;
            if (CutOne(paragraph, Kinds[gaps.Count % Kinds.Count], random) is TrueGap gap)
                gaps.Add(gap);
        }

        return gaps;
    }

    private static TrueGap? CutOne(string paragraph, string kind, SplitMix64 random)
    {
        Match[] words = [.. Word().Matches(paragraph).Cast<Match>()];
        int first = 1 + (int)(random.NextDouble() * (words.Length - 2)), last = LastOfSentence(paragraph, words, first);
        if (kind == "phrase")
            last = Math.Min(last, first + 1 + (int)(random.NextDouble() * 5));
        else if (kind == "word")
            last = first;
        if (kind == "phrase" && last == first)
            return null;
        int start = words[first].Index, end = words[last].Index + words[last].Length;
        if (start == 0 || paragraph[start - 1] != ' ')
            return null;
        int from = words[Math.Max(0, first - WordsBefore)].Index, to = last + WordsAfter < words.Length ? words[last + WordsAfter].Index : paragraph.Length;
        string after = paragraph[end..to].TrimEnd();
        return after.Length == 0 || paragraph[start..end].Length > 90 ? null : new TrueGap(kind, paragraph[from..start], paragraph[start..end], after);
    }

    /// <summary>The last word of the sentence of a word.</summary>
    private static int LastOfSentence(string paragraph, Match[] words, int word)
    {
        while (word + 1 < words.Length)
        {
            ReadOnlySpan<char> between = paragraph.AsSpan((words[word].Index + words[word].Length)..words[word + 1].Index);
            if (between.ContainsAny(s_ends))
                break;
            word++;
        }

        return word;
    }

    [GeneratedRegex(@"[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*")]
    private static partial Regex Word();
}
