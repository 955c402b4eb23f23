using System.Runtime.InteropServices;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// The n-grams of one order of a table, as stored in the file: sorted by context, then by last token, so that the n-grams of a context are
/// a range. Each n-gram is a context of the next order.
/// </summary>
/// <param name="tokens">[G] uint16, the last token of each n-gram; empty for unigrams, whose index is the token.</param>
/// <param name="discounted">[G] quantised discounted probabilities of the last token, given its context.</param>
/// <param name="backoffWeights">[G] quantised backoff weights: the factor of the shorter context, if the n-gram is the context.</param>
/// <param name="offsets">[G + 1] uint32, where the range of each n-gram, as a context, begins in the next order.</param>
internal sealed class NgramLevel(
    ReadOnlyMemory<byte> tokens, ReadOnlyMemory<byte> discounted, ReadOnlyMemory<byte> backoffWeights, ReadOnlyMemory<byte> offsets)
{
    private const int Steps = 8;
    private const byte Zero = 255;
    private static readonly double[] _values = CodeValues();

    public ReadOnlySpan<ushort> Tokens => MemoryMarshal.Cast<byte, ushort>(tokens.Span);

    public ReadOnlySpan<byte> DiscountedCodes => discounted.Span;

    public ReadOnlySpan<uint> Offsets => MemoryMarshal.Cast<byte, uint>(offsets.Span);

    /// <summary>The value of a quantised code, 2^(-code / 8), or 0 for code 255: a relative error of at most 4.5 %.</summary>
    public static double Value(byte code) => _values[code];

    /// <summary>The backoff weight of an n-gram as a context.</summary>
    public double BackoffWeight(int ngram) => _values[backoffWeights.Span[ngram]];

    /// <summary>The range of the n-grams of the next order whose context is this n-gram.</summary>
    public Range RangeOf(int ngram)
    {
        ReadOnlySpan<uint> starts = Offsets;
        return (int)starts[ngram]..(int)starts[ngram + 1];
    }

    /// <summary>The index of the n-gram with this last token in the range of a context; -1 if it is not listed.</summary>
    public int Find(Range range, int token)
    {
        int found = token <= ushort.MaxValue ? Tokens[range].BinarySearch((ushort)token) : -1;
        return found < 0 ? -1 : range.Start.Value + found;
    }

    private static double[] CodeValues()
    {
        // Powers of two are exact, so that tests can use tables with exact arithmetic.
        var values = new double[Zero + 1];
        for (int code = 0; code < Zero; code++)
            values[code] = Math.ScaleB(Math.Pow(2, -(code % Steps) / (double)Steps), -(code / Steps));
        return values;
    }
}
