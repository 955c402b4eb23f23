using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>Measured acceptance of draft tokens, by the classes of <see cref="DraftAcceptance" />.</summary>
/// <remarks>Not for several threads at once.</remarks>
public sealed class DraftAcceptanceTally
{
    /// <summary>
    /// A class counts against the wider one around it as if it had so many examples more, all of them like the wider one: a class
    /// without examples has its value, one with hundreds its own.
    /// </summary>
    private const double Smoothing = 20;

    private readonly double[] _sums = new double[Sources * Cells];
    private readonly int[] _counts = new int[Sources * Cells];

    private const int Classes = DraftAcceptance.Columns - 1;
    private const int Cells = 4 * Classes;
    private const int Sources = (int)DraftSource.Product + 1;

    /// <summary>Draft tokens that were examined.</summary>
    public int Count => _counts.Sum();

    /// <summary>Draft tokens of a source that were examined.</summary>
    public int CountOf(DraftSource source) => _counts.AsSpan((int)source * Cells, Cells).ToArray().Sum();

    /// <summary>The mean acceptance of a source; NaN without examples.</summary>
    public double MeanOf(DraftSource source) => _sums.AsSpan((int)source * Cells, Cells).ToArray().Sum() / CountOf(source);

    /// <summary>Adds a draft token that was examined.</summary>
    /// <param name="source">Where it was drawn from.</param>
    /// <param name="target">What was known before.</param>
    /// <param name="acceptance">min(1, q / p).</param>
    public void Add(DraftSource source, in DraftTarget target, double acceptance)
    {
        int place = (int)source * Cells + (int)DraftAcceptance.NeighboursOf(source, target) * Classes
            + DraftAcceptance.ClassOf(DraftAcceptance.ConfidenceOf(source, target) ?? 0);
        _sums[place] += acceptance;
        _counts[place]++;
    }

    /// <summary>
    /// [<see cref="DraftAcceptance.RatesOfSource" />] smoothed rates of a source: its mean towards the neutral one, the mean of known
    /// neighbours towards that of the source, each class towards that of its neighbours. Null without any example.
    /// </summary>
    public double[]? RatesOf(DraftSource source)
    {
        if (CountOf(source) == 0)
            return null;
        int start = (int)source * Cells;
        double mean = Rate(start, Cells, DraftAcceptance.Neutral.Of(source, Neighbours.Left, null));
        return [.. Enumerable.Range(0, 4).SelectMany(neighbours => Row(start + neighbours * Classes, mean))];
    }

    /// <summary>
    /// [<see cref="DraftAcceptance.Columns" />] smoothed rates of <see cref="DraftSource.Ngram" /> where there is no corpus, whatever the
    /// neighbours: the mean towards the neutral one of own bigrams, each class towards the mean. Null without any example.
    /// </summary>
    public double[]? RatesOfOwnBigrams()
    {
        int start = (int)DraftSource.Ngram * Cells;
        if (CountOf(DraftSource.Ngram) == 0)
            return null;
        double mean = Rate(start, Cells, DraftAcceptance.Neutral.OfOwnBigrams(null));
        return [.. Enumerable.Range(0, Classes).Select(column => Rate(Enumerable.Range(0, 4).Select(row => start + row * Classes + column), mean)), mean];
    }

    private IEnumerable<double> Row(int start, double mean)
    {
        double ofRow = Rate(start, Classes, mean);
        return [.. Enumerable.Range(start, Classes).Select(cell => Rate(cell, 1, ofRow)), ofRow];
    }

    private double Rate(int start, int cells, double wider) => Rate(Enumerable.Range(start, cells), wider);

    /// <summary>The rate of some cells, towards a wider one.</summary>
    private double Rate(IEnumerable<int> cells, double wider) =>
        (cells.Sum(cell => _sums[cell]) + Smoothing * wider) / (cells.Sum(cell => _counts[cell]) + Smoothing);
}
