using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>Collects the measured acceptance of draft tokens, by the classes of <see cref="DraftAcceptance" />.</summary>
/// <remarks><see cref="Add" /> may be called concurrently; results are read when all sequences are done.</remarks>
public sealed class DraftAcceptanceTally
{
    /// <summary>
    /// Additive smoothing towards the rate of the wider class: the number of its examples that are added. A class without examples gets the
    /// wider rate, one with hundreds nearly its own.
    /// </summary>
    private const double Smoothing = 20;

    private readonly Lock _gate = new();
    private readonly double[] _sums = new double[Sources * Cells];
    private readonly int[] _counts = new int[Sources * Cells];

    private const int Classes = DraftAcceptance.Columns - 1;
    private const int Cells = 4 * Classes;
    private const int Sources = (int)DraftSource.Head + 1;

    /// <summary>The number of verified draft tokens.</summary>
    public int Count => _counts.Sum();

    /// <summary>The number of verified draft tokens of a source.</summary>
    public int CountOf(DraftSource source) => _counts.AsSpan((int)source * Cells, Cells).ToArray().Sum();

    /// <summary>The mean acceptance of a source; NaN without verified draft tokens.</summary>
    public double MeanOf(DraftSource source) => _sums.AsSpan((int)source * Cells, Cells).ToArray().Sum() / CountOf(source);

    /// <summary>Adds a verified draft token.</summary>
    /// <param name="source">The source that it was drawn from.</param>
    /// <param name="target">What was known before it was drawn.</param>
    /// <param name="acceptance">min(1, q/p) of the token.</param>
    public void Add(DraftSource source, in DraftTarget target, double acceptance)
    {
        int index = (int)source * Cells + (int)DraftAcceptance.NeighboursOf(source, target) * Classes
            + DraftAcceptance.ClassOf(DraftAcceptance.ConfidenceOf(source, target) ?? 0);
        lock (_gate)
        {
            _sums[index] += acceptance;
            _counts[index]++;
        }
    }

    /// <summary>
    /// [<see cref="DraftAcceptance.RatesOfSource" />] smoothed rates of a source: its mean towards the neutral rate, the mean of each set
    /// of neighbours towards that of the source, each class towards that of its neighbours. Null without verified draft tokens.
    /// </summary>
    public double[]? RatesOf(DraftSource source)
    {
        if (CountOf(source) == 0)
            return null;
        int start = (int)source * Cells;
        double mean = Rate(start, Cells, DraftAcceptance.Neutral.Of(source, Neighbours.Left, null));
        return [.. Enumerable.Range(0, 4).SelectMany(neighbours => RatesOfNeighbours(start + neighbours * Classes, mean))];
    }

    /// <summary>
    /// [<see cref="DraftAcceptance.Columns" />] smoothed rates of <see cref="DraftSource.Ngram" /> without a corpus, over all sets of
    /// neighbours: the mean towards the neutral rate of own bigrams, each class towards the mean. Null without verified draft tokens.
    /// </summary>
    public double[]? RatesOfOwnBigrams()
    {
        int start = (int)DraftSource.Ngram * Cells;
        if (CountOf(DraftSource.Ngram) == 0)
            return null;
        double mean = Rate(start, Cells, DraftAcceptance.Neutral.OfOwnBigrams(null));
        return [.. Enumerable.Range(0, Classes).Select(column => Rate(Enumerable.Range(0, 4).Select(neighbours => start + neighbours * Classes + column), mean)), mean];
    }

    private IEnumerable<double> RatesOfNeighbours(int start, double mean)
    {
        double ofNeighbours = Rate(start, Classes, mean);
        return [.. Enumerable.Range(start, Classes).Select(cell => Rate(cell, 1, ofNeighbours)), ofNeighbours];
    }

    private double Rate(int start, int cells, double wider) => Rate(Enumerable.Range(start, cells), wider);

    /// <summary>The rate of some cells, smoothed towards that of the wider class.</summary>
    private double Rate(IEnumerable<int> cells, double wider) =>
        (cells.Sum(cell => _sums[cell]) + Smoothing * wider) / (cells.Sum(cell => _counts[cell]) + Smoothing);
}
