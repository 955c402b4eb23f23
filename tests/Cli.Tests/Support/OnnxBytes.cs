using System.Buffers.Binary;
using System.Text;

namespace AsArm.Cli.Tests;

/// <summary>Edits ONNX files in place, without a library that would write them anew.</summary>
internal static class OnnxBytes
{
    private const byte RawDataTag = (9 << 3) | 2;

    // The exporter stores it in half the space where the folder's precision says so.
    private static readonly string[] _outputBias = ["lm_loss.bias", "lm_loss.bias.float16"];

    /// <summary>Another name of the same length, everywhere.</summary>
    public static byte[] Rename(byte[] model, string from, string to)
    {
        byte[] result = [.. model];
        byte[] wanted = Encoding.UTF8.GetBytes(from), other = Encoding.UTF8.GetBytes(to);
        Assert.HasCount(wanted.Length, other);
        int count = 0;
        for (int at; (at = result.AsSpan().IndexOf(wanted)) >= 0; count++)
            other.CopyTo(result, at);
        Assert.IsGreaterThan(0, count);
        return result;
    }

    /// <summary>Every logit of the model becomes the value, or is moved by it where that is finite.</summary>
    public static byte[] FillOutputBias(byte[] model, float value)
    {
        byte[] result = [.. model];
        string name = _outputBias.Single(candidate => FindRawData(result, candidate) >= 0);
        int start = FindRawData(result, name);
        Span<byte> bias = result.AsSpan(start + LengthBytes(result, start), Length(result, start));
        int width = name.EndsWith("float16", StringComparison.Ordinal) ? sizeof(ushort) : sizeof(float);
        for (; !bias.IsEmpty; bias = bias[width..])
        {
            if (width == sizeof(float))
                BinaryPrimitives.WriteSingleLittleEndian(bias, value);
            else
                BinaryPrimitives.WriteHalfLittleEndian(bias, (Half)value);
        }

        return result;
    }

    /// <summary>In a TensorProto the raw data comes right after the name: its tag, its length as a varint, its bytes.</summary>
    private static int FindRawData(byte[] model, string initializer)
    {
        byte[] name = [.. Encoding.UTF8.GetBytes(initializer), RawDataTag];
        int at = model.AsSpan().IndexOf(name);
        return at < 0 ? -1 : at + name.Length;
    }

    private static int LengthBytes(byte[] model, int at) => model.AsSpan(at).IndexOfAnyInRange((byte)0, (byte)0x7F) + 1;

    private static int Length(byte[] model, int at)
    {
        int length = 0;
        for (int i = LengthBytes(model, at) - 1; i >= 0; i--)
            length = (length << 7) | (model[at + i] & 0x7F);
        return length;
    }
}
