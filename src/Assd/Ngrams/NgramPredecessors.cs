using AsArm.Assd.Distributions;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// The bigrams of a table sorted by their second token, to look up the predecessors of a known right neighbour. Searching the bigram of
/// each drafted token in the table instead took most of the time of a draft.
/// </summary>
internal sealed class NgramPredecessors
{
    private readonly int[] _offsets;
    private readonly ushort[] _tokens;
    private readonly byte[] _codes;

    /// <summary>Sorts the bigrams; takes V + 1 offsets, and three bytes for each bigram.</summary>
    /// <param name="unigrams">The level of order 1.</param>
    /// <param name="bigrams">The level of order 2.</param>
    public NgramPredecessors(NgramLevel unigrams, NgramLevel bigrams)
    {
        ReadOnlySpan<ushort> seconds = bigrams.Tokens;
        ReadOnlySpan<byte> codes = bigrams.DiscountedCodes;
        ReadOnlySpan<uint> starts = unigrams.Offsets;
        _offsets = new int[starts.Length];
        _tokens = new ushort[seconds.Length];
        _codes = new byte[seconds.Length];
        foreach (ushort second in seconds)
            _offsets[second + 1]++;
        for (int token = 1; token < _offsets.Length; token++)
            _offsets[token] += _offsets[token - 1];
        int[] ends = [.. _offsets];
        for (int first = 0; first < starts.Length - 1; first++)
        {
            for (int bigram = (int)starts[first]; bigram < starts[first + 1]; bigram++)
            {
                int index = ends[seconds[bigram]]++;
                (_tokens[index], _codes[index]) = ((ushort)first, codes[bigram]);
            }
        }
    }

    /// <summary>
    /// Adds the discounted probability of next after x, times a factor, to the weight of x, for each listed bigram (x, next).
    /// </summary>
    public void AddTo(SparseWeights weights, int next, double factor)
    {
        for (int i = _offsets[next]; i < _offsets[next + 1]; i++)
            weights.Add(_tokens[i], factor * NgramLevel.Value(_codes[i]));
    }
}
