using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// Expected acceptance of draft tokens, by draft source, by the neighbours that the draft knows, and by the class of its largest
/// probability. The prior of an <see cref="AdaptiveDraftPolicy" />; wrong values cost forward passes, never exactness.
/// </summary>
public sealed class DraftAcceptance
{
    /// <summary>
    /// The number of rates for one source and set of neighbours: one for each class, then the mean, for drafts that are not computed yet.
    /// </summary>
    public const int Columns = 5;

    /// <summary>
    /// The number of rates of one source: <see cref="Columns" /> each for the neighbours none, left, right and both, in this order.
    /// </summary>
    public const int RatesOfSource = 4 * Columns;

    /// <summary>
    /// The weight of measured rates against the draft tokens of the sequence itself, in accepted draft tokens: about ten drafted ones.
    /// </summary>
    private const double MeasuredWeight = 5;

    /// <summary>The weight of neutral rates, likewise: about two drafted ones.</summary>
    private const double NeutralWeight = 1;

    private static readonly double[] s_limits = [0.1, 0.25, 0.5];

    private readonly double[] _ngram;
    private readonly double[] _network;
    private readonly double[] _product;
    private readonly double[] _head;
    private readonly double[] _ownBigrams;
    private readonly bool[] _measured; // by source
    private readonly bool _ownBigramsAreMeasured;

    /// <summary>Measured rates, each from 0 to 1.</summary>
    /// <param name="ngram">[<see cref="RatesOfSource" />] of corpus n-grams; null for the neutral rates.</param>
    /// <param name="network">[<see cref="RatesOfSource" />] of rows of earlier forward passes; likewise.</param>
    /// <param name="product">[<see cref="RatesOfSource" />] of products of the two; likewise.</param>
    /// <param name="ownBigrams">[<see cref="Columns" />] of the sequence's own bigrams without a corpus; likewise.</param>
    /// <param name="head">[<see cref="RatesOfSource" />] of rows corrected by a draft head; likewise.</param>
    /// <exception cref="ArgumentException">Rates of another length, or a rate outside 0..1.</exception>
    public DraftAcceptance(
        IReadOnlyList<double>? ngram,
        IReadOnlyList<double>? network,
        IReadOnlyList<double>? product,
        IReadOnlyList<double>? ownBigrams,
        IReadOnlyList<double>? head = null)
    {
        _ngram = Copy(ngram, Neutral._ngram, nameof(ngram));
        _network = Copy(network, Neutral._network, nameof(network));
        _product = Copy(product, Neutral._product, nameof(product));
        _head = Copy(head, Neutral._head, nameof(head));
        _ownBigrams = Copy(ownBigrams, Neutral._ownBigrams, nameof(ownBigrams));
        _measured = [.. new[] { null, ngram, network, product, head }.Select(rates => rates is not null)];
        _ownBigramsAreMeasured = ownBigrams is not null;
    }

    private DraftAcceptance(double[] ngram, double[] network, double[] product, double[] head, double[] ownBigrams)
    {
        (_ngram, _network, _product, _head, _ownBigrams) = (ngram, network, product, head, ownBigrams);
        _measured = new bool[Enum.GetValues<DraftSource>().Length];
    }

    /// <summary>
    /// Rates for a model without measurements. The acceptance of a calibrated draft lies between its largest probability c, if the oracle
    /// is certain, and 1, if the two are equal. It is assumed to be c without the left neighbour. With it, it is assumed to be half of the
    /// way from c to 1 for n-grams and three quarters for rows of the network. A product is assumed to be no better than n-grams, and so is a row that a draft head corrects. A draft
    /// that is not computed yet counts as one of small c: a quarter, or that part of the way if it is more. The sequence's own bigrams,
    /// most of which have a count of one, are assumed to be right once in ten times. The draft tokens of the sequence outweigh these rates
    /// after a few tokens.
    /// </summary>
    public static DraftAcceptance Neutral { get; } = new(NeutralRates(0, 0.5), NeutralRates(0, 0.75), NeutralRates(0.5, 0.5), NeutralRates(0.5, 0.5), [0.1, 0.1, 0.1, 0.1, 0.1]);

    /// <summary>The weight of the rates of a source against the draft tokens of the sequence itself, in accepted draft tokens.</summary>
    /// <param name="source">The source.</param>
    /// <param name="hasCorpus">Whether n-grams come from a corpus; otherwise they are the sequence's own bigrams.</param>
    public double WeightOf(DraftSource source, bool hasCorpus) =>
        (source == DraftSource.Ngram && !hasCorpus ? _ownBigramsAreMeasured : _measured[(int)source]) ? MeasuredWeight : NeutralWeight;

    /// <summary>
    /// The class of a largest probability, from 0 to <see cref="Columns" /> - 2; the classes end at 0.1, 0.25, 0.5 and 1.
    /// </summary>
    public static int ClassOf(double confidence)
    {
        int column = 0;
        while (column < s_limits.Length && confidence >= s_limits[column])
            column++;
        return column;
    }

    /// <summary>The expected acceptance of a draft token; 0 for <see cref="DraftSource.None" />.</summary>
    /// <param name="source">The source of the draft.</param>
    /// <param name="neighbours">The neighbours that are known for n-grams; those that the row sees for the other sources.</param>
    /// <param name="confidence">
    /// The largest probability of the draft, for a product that of its n-grams, which predicts better, for a draft head that of its row; null if not computed yet.
    /// </param>
    public double Of(DraftSource source, Neighbours neighbours, double? confidence)
    {
        int index = (int)neighbours * Columns + Column(confidence);
        return source switch
        {
            DraftSource.Ngram => _ngram[index],
            DraftSource.Network => _network[index],
            DraftSource.Product => _product[index],
            DraftSource.Head => _head[index],
            _ => 0,
        };
    }

    /// <summary>The expected acceptance of a draft token for a target; 0 for <see cref="DraftSource.None" />.</summary>
    public double Of(DraftSource source, in DraftTarget target) => Of(source, NeighboursOf(source, target), ConfidenceOf(source, target));

    /// <summary>The expected acceptance of a draft token from the sequence's own bigrams, without a corpus.</summary>
    /// <param name="confidence">The largest probability of the draft; null if not computed yet.</param>
    public double OfOwnBigrams(double? confidence) => _ownBigrams[Column(confidence)];

    /// <summary>The neighbours by which drafts of a source are classified.</summary>
    internal static Neighbours NeighboursOf(DraftSource source, in DraftTarget target) =>
        source == DraftSource.Ngram ? target.Known : target.NetworkNeighbours ?? Neighbours.None;

    /// <summary>The largest probability by which drafts of a source are classified; null if not computed yet.</summary>
    internal static double? ConfidenceOf(DraftSource source, in DraftTarget target) =>
        source is DraftSource.Network or DraftSource.Head ? target.NetworkConfidence : target.NgramConfidence;

    private static int Column(double? confidence) => confidence is double largest ? ClassOf(largest) : Columns - 1;

    /// <param name="withoutLeft">The part of the way from c to 1 that is assumed without the left neighbour.</param>
    /// <param name="withLeft">The same with the left neighbour.</param>
    private static double[] NeutralRates(double withoutLeft, double withLeft)
    {
        double[] typical = [0.05, 0.175, 0.375, 0.75];
        return [.. Rates(withoutLeft), .. Rates(withLeft), .. Rates(withoutLeft), .. Rates(withLeft)];

        double[] Rates(double part) => [.. typical.Select(c => c + part * (1 - c)), Math.Max(0.25, part)];
    }

    private static double[] Copy(IReadOnlyList<double>? rates, double[] neutral, string name)
    {
        double[] copy = [.. rates ?? neutral];
        if (copy.Length != neutral.Length || !copy.All(rate => rate is >= 0 and <= 1))
            throw new ArgumentException($"Acceptance rates must be {neutral.Length} numbers from 0 to 1.", name);
        return copy;
    }
}
