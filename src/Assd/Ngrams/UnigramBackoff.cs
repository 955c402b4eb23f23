using AsArm.Assd.Distributions;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// The unigram distribution that an n-gram draft backs off to, with temperature and bans applied, and its cumulative sums, so that a draw
/// is a binary search. Created once per sequence and set of bans.
/// </summary>
internal sealed class UnigramBackoff
{
    /// <summary>The largest exponent, however low the temperature, so that powers do not underflow float64.</summary>
    private const double MaxExponent = 4;

    private readonly double[] _weights;
    private readonly double[] _cumulative;
    private readonly float[] _float32Weights;
    private readonly bool[] _banned;

    /// <param name="table">Corpus n-grams; null makes all weights 0.</param>
    /// <param name="options">Temperature and bans.</param>
    /// <param name="bannedHere">Further banned tokens; null for none.</param>
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

        MaxWeight = _weights.Max();
        _float32Weights = new float[vocabularySize];
        for (int token = 0; token < vocabularySize; token++)
            _float32Weights[token] = (float)_weights[token];
    }

    /// <summary>The temperature is applied to the draft as this power of its probabilities: 1 / temperature, within limits.</summary>
    public double Exponent { get; }

    /// <summary>Whether a token is banned.</summary>
    public bool IsBanned(int token) => _banned[token];

    /// <summary>[V] the probabilities to the power of <see cref="Exponent" />, unnormalised; 0 for banned tokens.</summary>
    public ReadOnlySpan<double> Weights => _weights;

    /// <summary>[V] the weights in float32.</summary>
    public ReadOnlySpan<float> Float32Weights => _float32Weights;

    /// <summary>The sum of the weights.</summary>
    public double Total => _cumulative[^1];

    /// <summary>The largest weight.</summary>
    public double MaxWeight { get; }

    /// <summary>The first token at which the cumulative sum exceeds a goal in [0, Total); never one of weight zero.</summary>
    public int Find(double goal)
    {
        int low = 0, high = _cumulative.Length - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_cumulative[middle] > goal)
                high = middle;
            else
                low = middle + 1;
        }

        // Rounding may have put the goal past the last cumulative sum.
        while (_weights[low] == 0)
            low--;
        return low;
    }
}
