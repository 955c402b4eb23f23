namespace AsArm.Inference.Gaps;

/// <summary>
/// How many tokens gaps have that begin and end at borders of words: words, phrases and ends of sentences, a third each (`perf -- lengths --prior` counts them).
/// </summary>
internal static class LearntLengths
{
    /// <summary>Shares of the lengths from 1.</summary>
    private static readonly double[] s_shares = [0.3, 0.2, 0.12, 0.09, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01, 0.01];

    /// <summary>The logarithm of the share of a length. Beyond the counted ones it falls as among the last of them.</summary>
    public static double LogWeight(int length) =>
        length <= s_shares.Length ? Math.Log(s_shares[length - 1]) : Math.Log(s_shares[^1]) + ((length - s_shares.Length) * Math.Log(0.85));
}
