using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// Expected acceptance of draft tokens: by draft source, by the neighbours that the draft knows, and by the class of its largest
/// probability. An <see cref="AdaptiveDraftPolicy" /> starts from it; wrong values cost forward passes, never exactness.
/// </summary>
public sealed class DraftAcceptance
{
    /// <summary>Rates of one source and set of neighbours: one for each class, then the mean, for a draft that is not made yet.</summary>
    public const int Columns = 5;

    /// <summary>Rates of one source: rows of <see cref="Columns" /> for the neighbours none, left, right, both.</summary>
    public const int RatesOfSource = 4 * Columns;

    /// <summary>What measured rates count for against the drafts of the sequence itself: about ten draft tokens.</summary>
    private const double MeasuredWeight = 5;

    /// <summary>Rates that nobody measured: about two draft tokens.</summary>
    private const double NeutralWeight = 1;

    private static readonly double[] s_limits = [0.1, 0.25, 0.5];

    private readonly double[] _ngram;
    private readonly double[] _network;
    private readonly double[] _product;
    private readonly double[] _ownBigrams;
    private readonly bool[] _measured; // by source
    private readonly bool _ownBigramsAreMeasured;

    /// <summary>Measured rates, each in [0, 1].</summary>
    /// <param name="ngram">[<see cref="RatesOfSource" />] of n-grams of a corpus; null for the neutral ones.</param>
    /// <param name="network">[<see cref="RatesOfSource" />] of earlier rows of the network; likewise.</param>
    /// <param name="product">[<see cref="RatesOfSource" />] of their product; likewise.</param>
    /// <param name="ownBigrams">[<see cref="Columns" />] of the sequence's own bigrams without a corpus; likewise.</param>
    /// <exception cref="ArgumentException">Of another length, or a value outside of [0, 1].</exception>
    public DraftAcceptance(
        IReadOnlyList<double>? ngram, IReadOnlyList<double>? network, IReadOnlyList<double>? product, IReadOnlyList<double>? ownBigrams)
    {
        _ngram = Copy(ngram, Neutral._ngram, nameof(ngram));
        _network = Copy(network, Neutral._network, nameof(network));
        _product = Copy(product, Neutral._product, nameof(product));
        _ownBigrams = Copy(ownBigrams, Neutral._ownBigrams, nameof(ownBigrams));
        _measured = [.. new[] { null, ngram, network, product }.Select(rates => rates is not null)];
        _ownBigramsAreMeasured = ownBigrams is not null;
    }

    private DraftAcceptance(double[] ngram, double[] network, double[] product, double[] ownBigrams)
    {
        (_ngram, _network, _product, _ownBigrams) = (ngram, network, product, ownBigrams);
        _measured = new bool[(int)DraftSource.Product + 1];
    }

    /// <summary>
    /// Rates for a model that nobody measured. The acceptance of a draft that is right as often as it says lies between its largest
    /// probability c, where the network is certain, and 1, where both agree. Without the left neighbour it is taken to be c; with it
    /// an n-gram is taken to be half of the way to 1, a row of the network three quarters, and their product no better than the
    /// n-gram. A draft that is not made yet is taken to be one of small c: a quarter, or that way itself. The sequence's own bigrams, of which
    /// most have been seen once, are taken to be right once in ten times. A sequence's own drafts outweigh these rates after a few tokens.
    /// </summary>
    public static DraftAcceptance Neutral { get; } = new(NeutralRates(0, 0.5), NeutralRates(0, 0.75), NeutralRates(0.5, 0.5), [0.1, 0.1, 0.1, 0.1, 0.1]);

    /// <summary>How many accepted draft tokens the rates of a source count for against those of the sequence itself.</summary>
    /// <param name="source">The source.</param>
    /// <param name="hasCorpus">Whether n-grams come from a corpus, or are the sequence's own bigrams.</param>
    public double WeightOf(DraftSource source, bool hasCorpus) =>
        (source == DraftSource.Ngram && !hasCorpus ? _ownBigramsAreMeasured : _measured[(int)source]) ? MeasuredWeight : NeutralWeight;

    /// <summary>The class of a largest probability, below <see cref="Columns" /> - 1; classes end at 0.1, 0.25, 0.5 and 1.</summary>
    public static int ClassOf(double confidence)
    {
        int column = 0;
        while (column < s_limits.Length && confidence >= s_limits[column])
            column++;
        return column;
    }

    /// <summary>The expected acceptance.</summary>
    /// <param name="source">The draft's source; 0 for <see cref="DraftSource.None" />.</param>
    /// <param name="neighbours">Of an n-gram those that are known, of a row those that it sees.</param>
    /// <param name="confidence">
    /// The largest probability, of a product that of its n-gram part, which tells more; null before the draft is made.
    /// </param>
    public double Of(DraftSource source, Neighbours neighbours, double? confidence)
    {
        int place = (int)neighbours * Columns + Column(confidence);
        return source switch
        {
            DraftSource.Ngram => _ngram[place],
            DraftSource.Network => _network[place],
            DraftSource.Product => _product[place],
            _ => 0,
        };
    }

    /// <summary>The same of a target's draft from a source.</summary>
    public double Of(DraftSource source, in DraftTarget target) => Of(source, NeighboursOf(source, target), ConfidenceOf(source, target));

    /// <summary>The expected acceptance of the sequence's own bigrams, where there is no corpus.</summary>
    /// <param name="confidence">The largest probability; null before the draft is made.</param>
    public double OfOwnBigrams(double? confidence) => _ownBigrams[Column(confidence)];

    /// <summary>The neighbours by which drafts of a source are classed.</summary>
    internal static Neighbours NeighboursOf(DraftSource source, in DraftTarget target) =>
        source == DraftSource.Ngram ? target.Known : target.NetworkNeighbours ?? Neighbours.None;

    /// <summary>The largest probability by which drafts of a source are classed; null before the draft is made.</summary>
    internal static double? ConfidenceOf(DraftSource source, in DraftTarget target) =>
        source == DraftSource.Network ? target.NetworkConfidence : target.NgramConfidence;

    private static int Column(double? confidence) => confidence is double largest ? ClassOf(largest) : Columns - 1;

    /// <param name="withoutLeft">Of the way from c to 1.</param>
    /// <param name="withLeft">The same where the left neighbour is known.</param>
    private static double[] NeutralRates(double withoutLeft, double withLeft)
    {
        double[] typical = [0.05, 0.175, 0.375, 0.75];
        return [.. Rates(withoutLeft), .. Rates(withLeft), .. Rates(withoutLeft), .. Rates(withLeft)];

        double[] Rates(double way) => [.. typical.Select(c => c + way * (1 - c)), Math.Max(0.25, way)];
    }

    private static double[] Copy(IReadOnlyList<double>? rates, double[] neutral, string name)
    {
        double[] copy = [.. rates ?? neutral];
        if (copy.Length != neutral.Length || !copy.All(rate => rate is >= 0 and <= 1))
            throw new ArgumentException($"Acceptance rates must be {neutral.Length} numbers from 0 to 1.", name);
        return copy;
    }
}
