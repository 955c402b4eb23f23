using AsArm.Benchmarks.Texts;

namespace AsArm.Perf.Load;

/// <summary>Texts of any length out of the texts of the benchmark.</summary>
internal static class TextParts
{
    /// <summary>Tokens of a word, more than in any of these texts on average.</summary>
    public const double TokensPerWord = 1.6;

    private static readonly string[][] s_words = [.. Enumerable.Range(0, BenchmarkTexts.Count).Select(first =>
        string.Join(' ', Enumerable.Range(0, BenchmarkTexts.Count).Select(i => BenchmarkTexts.All[(first + i) % BenchmarkTexts.Count])).Split(' '))];

    /// <summary>Words, from a story on.</summary>
    /// <param name="story">The first story.</param>
    /// <param name="start">The first word.</param>
    /// <param name="count">Number of words.</param>
    public static string Words(int story, int start, int count)
    {
        string[] words = s_words[story % s_words.Length];
        return string.Join(' ', words[Math.Min(start, words.Length)..Math.Min(start + count, words.Length)]);
    }

    /// <summary>A text with gaps in place of words.</summary>
    /// <param name="story">The first story.</param>
    /// <param name="count">Number of words, those in gaps included.</param>
    /// <param name="gaps">The gaps, as markup; each stands for one word.</param>
    public static string WithGaps(int story, int count, params string[] gaps)
    {
        string[] words = s_words[story % s_words.Length][..count];
        for (int i = 0; i < gaps.Length; i++)
            words[(i + 1) * count / (gaps.Length + 1)] = gaps[i];
        return string.Join(' ', words);
    }
}
