using AsArm.Assd.Distributions;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// The bigrams of a table by their second token, which a table sorts by their first: what a known right neighbour asks for. A search
/// for each possible token instead took most of a draft's time.
/// </summary>
internal sealed class NgramPredecessors
{
    private readonly int[] _offsets;
    private readonly ushort[] _tokens;
    private readonly byte[] _own;

    /// <summary>Sorts the bigrams once; V + 1 offsets and three bytes for each.</summary>
    /// <param name="single">Order 1.</param>
    /// <param name="pairs">Order 2.</param>
    public NgramPredecessors(NgramLevel single, NgramLevel pairs)
    {
        ReadOnlySpan<ushort> seconds = pairs.Tokens;
        ReadOnlySpan<byte> own = pairs.Discounted;
        ReadOnlySpan<uint> starts = single.Offsets;
        _offsets = new int[starts.Length];
        _tokens = new ushort[seconds.Length];
        _own = new byte[seconds.Length];
        foreach (ushort second in seconds)
            _offsets[second + 1]++;
        for (int token = 1; token < _offsets.Length; token++)
            _offsets[token] += _offsets[token - 1];
        int[] places = [.. _offsets];
        for (int first = 0; first < starts.Length - 1; first++)
        {
            for (int pair = (int)starts[first]; pair < starts[first + 1]; pair++)
            {
                int place = places[seconds[pair]]++;
                (_tokens[place], _own[place]) = ((ushort)first, own[pair]);
            }
        }
    }

    /// <summary>Adds what each listed bigram (x, next) owns of p(next | x) to the weight of x, times a factor.</summary>
    public void AddTo(SparseWeights weights, int next, double factor)
    {
        for (int i = _offsets[next]; i < _offsets[next + 1]; i++)
            weights.Add(_tokens[i], factor * NgramLevel.Value(_own[i]));
    }
}
