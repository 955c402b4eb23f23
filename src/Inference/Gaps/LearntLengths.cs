namespace AsArm.Inference.Gaps;

/// <summary>
/// How many tokens gaps have that begin and end at borders of words: words, phrases and ends of sentences, a third each, 2,000 of each in stories and storybooks with
/// the tokenizer of english-18m (`perf -- lengths --prior` counts them).
/// </summary>
internal static class LearntLengths
{
    /// <summary>Shares of the lengths from 1.</summary>
    private static readonly double[] s_shares = [0.333, 0.131, 0.103, 0.095, 0.080, 0.060, 0.043, 0.035, 0.024, 0.018, 0.015, 0.013, 0.011, 0.009, 0.008, 0.006];

    /// <summary>The logarithm of the share of a length. Beyond the counted ones it falls as among the last of them.</summary>
    public static double LogWeight(int length) =>
        length <= s_shares.Length ? Math.Log(s_shares[length - 1]) : Math.Log(s_shares[^1]) + ((length - s_shares.Length) * Math.Log(0.8));
}
