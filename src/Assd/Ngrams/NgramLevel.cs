using System.Runtime.InteropServices;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// The grams of one order of an n-gram table, as they lie in the file: sorted by context, then by token, so that the grams after
/// one context are a range. Each gram is in turn a context of the next order.
/// </summary>
/// <param name="tokens">[G] uint16, the last token of each gram; empty for order 1, where a gram is its token.</param>
/// <param name="own">[G] codes: what this order adds to the token's probability after its context.</param>
/// <param name="backoffWeight">[G] codes: the share of probability that a gram, as a context, leaves to the shorter context.</param>
/// <param name="offsets">[G + 1] uint32, where the grams of the next order after each gram begin.</param>
internal sealed class NgramLevel(
    ReadOnlyMemory<byte> tokens, ReadOnlyMemory<byte> own, ReadOnlyMemory<byte> backoffWeight, ReadOnlyMemory<byte> offsets)
{
    private const int Steps = 8;
    private const byte Nothing = 255;
    private static readonly double[] _values = CodeValues();

    public ReadOnlySpan<ushort> Tokens => MemoryMarshal.Cast<byte, ushort>(tokens.Span);

    public ReadOnlySpan<byte> Discounted => own.Span;

    public ReadOnlySpan<byte> BackoffCodes => backoffWeight.Span;

    public ReadOnlySpan<uint> Offsets => MemoryMarshal.Cast<byte, uint>(offsets.Span);

    /// <summary>2^(-code / 8), 0 for the last code: one octave in eight steps, a relative error of at most 4.5 %.</summary>
    public static double Value(byte code) => _values[code];

    /// <summary>What a gram, as a context, leaves to the shorter context.</summary>
    public double BackoffWeight(int gram) => _values[backoffWeight.Span[gram]];

    /// <summary>The grams of the next order after this gram.</summary>
    public Range After(int gram)
    {
        ReadOnlySpan<uint> starts = Offsets;
        return (int)starts[gram]..(int)starts[gram + 1];
    }

    /// <summary>The gram with that last token within a range of one context; -1 if it is not listed.</summary>
    public int Find(Range range, int token)
    {
        int found = token <= ushort.MaxValue ? Tokens[range].BinarySearch((ushort)token) : -1;
        return found < 0 ? -1 : range.Start.Value + found;
    }

    private static double[] CodeValues()
    {
        // Powers of two come out exactly, so that tests can choose tables whose arithmetic is exact.
        var values = new double[Nothing + 1];
        for (int code = 0; code < Nothing; code++)
            values[code] = Math.ScaleB(Math.Pow(2, -(code % Steps) / (double)Steps), -(code / Steps));
        return values;
    }
}
