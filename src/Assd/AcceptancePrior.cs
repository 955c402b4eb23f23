namespace AsArm.Assd;

/// <summary>
/// How often proposals are kept, by source, by the neighbours that the draft knows, and by its largest probability. Means of 17,000
/// proposals of the default model at T = 1 in held-out texts; what they hold no or few examples of (n-grams without a left
/// neighbour, rows without one, products that see it) is estimated. Wrong numbers cost calls, never exactness.
/// </summary>
internal static class AcceptancePrior
{
    /// <summary>Upper ends of the classes of the largest probability; the last class has none.</summary>
    private static ReadOnlySpan<double> Classes => [0.1, 0.25, 0.5];

    // Rows: neighbours none, left, right, both. Columns: the four classes, then the mean for a draft that is not made yet.
    private static ReadOnlySpan<double> Ngram =>
    [
        0.06, 0.12, 0.30, 0.50, 0.06,
        0.39, 0.46, 0.54, 0.71, 0.50,
        0.06, 0.12, 0.30, 0.50, 0.06,
        0.34, 0.38, 0.44, 0.67, 0.49,
    ];

    private static ReadOnlySpan<double> Network =>
    [
        0.12, 0.12, 0.12, 0.12, 0.12,
        0.63, 0.71, 0.74, 0.86, 0.77,
        0.18, 0.18, 0.20, 0.30, 0.22,
        0.60, 0.73, 0.75, 0.90, 0.82,
    ];

    private static ReadOnlySpan<double> Product =>
    [
        0.44, 0.48, 0.56, 0.72, 0.53,
        0.54, 0.55, 0.58, 0.75, 0.58,
        0.38, 0.43, 0.49, 0.72, 0.54,
        0.43, 0.49, 0.61, 0.79, 0.63,
    ];

    /// <summary>The chance that a proposal is kept.</summary>
    /// <param name="source">Where it is drawn from.</param>
    /// <param name="neighbours">Of an n-gram those that are known, of a row those that it sees.</param>
    /// <param name="confidence">
    /// The largest probability, of a product that of its n-gram part, which tells more; null before the draft is made.
    /// </param>
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
