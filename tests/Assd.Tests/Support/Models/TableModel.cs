using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>
/// A model given by a joint table over all V^N sequences. Its conditionals are computed by summation over the hidden positions, so drafts
/// are the true marginals, and every order has the same joint distribution.
/// </summary>
internal sealed class TableModel : RowModel
{
    private readonly int[] _powers;
    private readonly double[] _sums;

    /// <param name="vocabularySize">V.</param>
    /// <param name="length">N.</param>
    /// <param name="weights">[V^N] positive weights, not necessarily normalised; position 0 is the lowest digit of the index.</param>
    public TableModel(int vocabularySize, int length, ReadOnlySpan<double> weights)
        : base(vocabularySize, length)
    {
        _powers = new int[length + 1];
        _powers[0] = 1;
        for (int position = 0; position < length; position++)
            _powers[position + 1] = _powers[position] * (vocabularySize + 1);
        _sums = new double[_powers[length]];
        // Digit 0 is "hidden", digit 1 + x is token x. A key with a hidden digit is a sum over larger keys, hence the descending loop.
        for (int key = _sums.Length - 1; key >= 0; key--)
            _sums[key] = Sum(key, weights);
    }

    /// <summary>Independent log-normal weights; the larger the sharpness, the more peaked and dependent the tokens.</summary>
    public static TableModel Random(int vocabularySize, int length, double sharpness, long seed)
    {
        var random = new SplitMix64(seed);
        var weights = new double[(int)Math.Pow(vocabularySize, length)];
        for (int i = 0; i < weights.Length; i++)
            weights[i] = Math.Exp(sharpness * random.NextGaussian());
        return new(vocabularySize, length, weights);
    }

    public override void WriteLogits(SequenceState state, Conditional conditional, Span<float> row)
    {
        ReadOnlySpan<int> positions = state.Order.Positions;
        int key = 0;
        foreach (int position in positions[..conditional.Horizon])
            key += (1 + state.Tokens[position]) * _powers[position];
        int power = _powers[positions[conditional.Rank]];
        for (int token = 0; token < row.Length; token++)
            row[token] = (float)Math.Log(_sums[key + (1 + token) * power]);
    }

    private double Sum(int key, ReadOnlySpan<double> weights)
    {
        int index = 0;
        int scale = 1;
        for (int position = 0; position < MaxLength; position++)
        {
            int digit = key / _powers[position] % (VocabularySize + 1);
            if (digit == 0)
                return SumOver(key, _powers[position]);
            index += (digit - 1) * scale;
            scale *= VocabularySize;
        }

        return weights[index];
    }

    private double SumOver(int key, int power)
    {
        double sum = 0;
        for (int token = 0; token < VocabularySize; token++)
            sum += _sums[key + (1 + token) * power];
        return sum;
    }
}
