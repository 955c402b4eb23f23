namespace AsArm.Assd;

/// <summary>
/// What a draft gives to tokens that no listed gram proposes: the corpus frequencies under temperature and bans, with their
/// cumulative sums, so that a draw is a binary search. Made once per sequence.
/// </summary>
internal sealed class DraftTail
{
    /// <summary>A draft is not sharpened further than this, however low the temperature: powers of float64 have an end.</summary>
    private const double LargestExponent = 4;

    private readonly double[] _weights;
    private readonly double[] _cumulative;
    private readonly float[] _single;

    /// <param name="table">Without one the tail is empty.</param>
    /// <param name="options">Temperature and bans.</param>
    /// <param name="vocabularySize">V.</param>
    public DraftTail(NgramTable? table, SamplingOptions options, int vocabularySize)
    {
        Exponent = Math.Min(LargestExponent, 1 / options.Temperature);
        _weights = new double[vocabularySize];
        _cumulative = new double[vocabularySize];
        for (int token = 0; table is not null && token < vocabularySize; token++)
            _weights[token] = Exponent == 1 ? table.Single(token) : Math.Pow(table.Single(token), Exponent);
        foreach (int token in options.BannedTokens)
            _weights[token] = 0;
        double sum = 0;
        for (int token = 0; token < vocabularySize; token++)
            _cumulative[token] = sum += _weights[token];
        Largest = _weights.Max();
        _single = new float[vocabularySize];
        for (int token = 0; token < vocabularySize; token++)
            _single[token] = (float)_weights[token];
    }

    /// <summary>What temperature makes of a draft: its probabilities to this power, normalised.</summary>
    public double Exponent { get; }

    /// <summary>[V] unnormalised.</summary>
    public ReadOnlySpan<double> Weights => _weights;

    /// <summary>[V] the same in float32.</summary>
    public ReadOnlySpan<float> Single => _single;

    public double Total => _cumulative[^1];

    public double Largest { get; }

    /// <summary>The token whose stretch of the cumulative sum holds a place within [0, Total); one of weight zero never.</summary>
    public int Find(double place)
    {
        int low = 0, high = _cumulative.Length - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_cumulative[middle] > place)
                high = middle;
            else
                low = middle + 1;
        }

        // Rounding may have put the place past the last stretch.
        while (_weights[low] == 0)
            low--;
        return low;
    }
}
