using AsArm.Assd.Distributions;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// What a draft gives to tokens that no listed gram proposes: the corpus frequencies under temperature and bans, with their
/// cumulative sums, so that a draw is a binary search. Made once per sequence and set of bans.
/// </summary>
internal sealed class UnigramBackoff
{
    /// <summary>A draft is not sharpened further than this, however low the temperature: powers of float64 have an end.</summary>
    private const double MaxExponent = 4;

    private readonly double[] _weights;
    private readonly double[] _cumulative;
    private readonly float[] _single;
    private readonly bool[] _banned;

    /// <param name="table">Without one the tail is empty.</param>
    /// <param name="options">Temperature and bans.</param>
    /// <param name="bannedHere">What is banned besides.</param>
    /// <param name="vocabularySize">V.</param>
    public UnigramBackoff(NgramTable? table, SamplingOptions options, TokenSet? bannedHere, int vocabularySize)
    {
        _banned = new bool[vocabularySize];
        foreach (int token in options.BannedTokens)
            _banned[token] = true;
        foreach (int token in bannedHere is null ? [] : bannedHere.Tokens)
            _banned[token] = true;

        Exponent = options.IsGreedy ? MaxExponent : Math.Min(MaxExponent, 1 / options.Temperature);
        _weights = new double[vocabularySize];
        _cumulative = new double[vocabularySize];
        for (int token = 0; table is not null && token < vocabularySize; token++)
            _weights[token] = Exponent == 1 ? table.Unigram(token) : Math.Pow(table.Unigram(token), Exponent);
        double sum = 0;
        for (int token = 0; token < vocabularySize; token++)
        {
            if (_banned[token])
                _weights[token] = 0;
            _cumulative[token] = sum += _weights[token];
        }

        Largest = _weights.Max();
        _single = new float[vocabularySize];
        for (int token = 0; token < vocabularySize; token++)
            _single[token] = (float)_weights[token];
    }

    /// <summary>What temperature makes of a draft: its probabilities to this power, normalised.</summary>
    public double Exponent { get; }

    /// <summary>Whether the draft never proposes a token.</summary>
    public bool IsBanned(int token) => _banned[token];

    /// <summary>[V] unnormalised.</summary>
    public ReadOnlySpan<double> Weights => _weights;

    /// <summary>[V] the same in float32.</summary>
    public ReadOnlySpan<float> Float32Weights => _single;

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
