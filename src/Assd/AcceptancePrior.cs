namespace AsArm.Assd;

/// <summary>
/// How often proposals are kept, by source, by the neighbours that the draft knows, and by its largest probability: means measured
/// on the default model, T = 1, samples of the model itself in held-out texts. Wrong numbers cost calls, never exactness.
/// </summary>
internal static class AcceptancePrior
{
    /// <summary>Upper ends of the classes of the largest probability; the last class has none.</summary>
    private static ReadOnlySpan<double> Classes => [0.1, 0.25, 0.5];

    // Rows: neighbours none, left, right, both. Columns: the four classes, then the mean for a draft that is not made yet.
    private static ReadOnlySpan<double> Ngram =>
    [
        0.06, 0.12, 0.30, 0.50, 0.06,
        0.36, 0.42, 0.47, 0.65, 0.45,
        0.06, 0.12, 0.30, 0.50, 0.06,
        0.33, 0.38, 0.42, 0.55, 0.44,
    ];

    private static ReadOnlySpan<double> Network =>
    [
        0.12, 0.12, 0.12, 0.12, 0.12,
        0.80, 0.84, 0.87, 0.92, 0.85,
        0.18, 0.18, 0.20, 0.30, 0.22,
        0.72, 0.78, 0.86, 0.96, 0.86,
    ];

    private static ReadOnlySpan<double> Product =>
    [
        0.40, 0.44, 0.50, 0.62, 0.47,
        0.58, 0.60, 0.62, 0.70, 0.62,
        0.42, 0.45, 0.50, 0.60, 0.49,
        0.60, 0.64, 0.68, 0.75, 0.66,
    ];

    /// <summary>The chance that a proposal is kept.</summary>
    /// <param name="source">Where it is drawn from.</param>
    /// <param name="neighbours">Of an n-gram those that are known, of a row those that it sees.</param>
    /// <param name="confidence">The largest probability; null before the draft is made.</param>
    public static double Of(DraftSource source, Neighbours neighbours, double? confidence)
    {
        int column = Classes.Length + 1;
        if (confidence is double largest)
        {
            for (column = 0; column < Classes.Length && largest >= Classes[column]; column++)
            {
            }
        }

        int place = (int)neighbours * (Classes.Length + 2) + column;
        return source switch
        {
            DraftSource.Ngram => Ngram[place],
            DraftSource.Network => Network[place],
            DraftSource.Product => Product[place],
            _ => 0,
        };
    }
}
