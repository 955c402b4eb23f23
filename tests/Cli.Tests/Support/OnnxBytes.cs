using System.Buffers.Binary;
using System.Text;

namespace AsArm.Cli.Tests.Support;

/// <summary>Edits ONNX files in place, without a library that would write them anew.</summary>
internal static class OnnxBytes
{
    private const byte RawDataTag = (9 << 3) | 2;
    private const byte ExternalDataTag = (13 << 3) | 2;

    private const string OutputBias = "logits.bias";

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

    /// <summary>Every logit of a model becomes the value, or is moved by it where that is finite.</summary>
    /// <param name="model">The folder; its graphs, or the weights that they share, are changed.</param>
    /// <param name="value">The new bias.</param>
    /// <param name="graphs">Which graphs, where they hold the bias themselves.</param>
    public static void FillOutputBias(ModelCopy model, float value, params string[] graphs)
    {
        byte[] graph = File.ReadAllBytes(model.In("model.onnx"));
        if (FindExternal(graph, OutputBias) is (int offset, int length))
            model.Replace("model.onnx_data", content => Fill(content, offset, length, value));
        else
        {
            foreach (string file in graphs)
            {
                model.Replace(file, content =>
                {
                    int start = FindRawData(content, OutputBias);
                    return Fill(content, start + LengthBytes(content, start), Length(content, start), value);
                });
            }
        }
    }

    /// <summary>Changes the bytes of all initializers whose names end in the suffix, in all graphs and in the weights that they share.</summary>
    public static void ChangeAll(ModelCopy model, string suffix, Action<Memory<byte>> change)
    {
        byte[] weights = File.ReadAllBytes(model.In("model.onnx_data"));
        var places = new HashSet<int>();
        int count = 0;
        foreach (string file in Directory.GetFiles(model.Path, "*.onnx").Select(path => Path.GetFileName(path)))
        {
            byte[] graph = File.ReadAllBytes(model.In(file));
            foreach (int start in Ends(graph, [.. Encoding.UTF8.GetBytes(suffix), RawDataTag]))
            {
                count++;
                change(graph.AsMemory(start + LengthBytes(graph, start), Length(graph, start)));
            }

            foreach (int start in Ends(graph, [.. Encoding.UTF8.GetBytes(suffix), ExternalDataTag]))
            {
                count++;
                int offset = Entry(graph.AsSpan(start), "offset"u8);
                if (places.Add(offset))
                    change(weights.AsMemory(offset, Entry(graph.AsSpan(start), "length"u8)));
            }

            model.Replace(file, _ => graph);
        }

        model.Replace("model.onnx_data", _ => weights);
        Assert.IsGreaterThan(0, count);
    }

    private static IEnumerable<int> Ends(byte[] content, byte[] pattern)
    {
        for (int from = 0, at; (at = content.AsSpan(from).IndexOf(pattern)) >= 0; from += at + pattern.Length)
            yield return from + at + pattern.Length;
    }

    private static byte[] Fill(byte[] content, int start, int length, float value)
    {
        byte[] result = [.. content];
        for (Span<byte> bias = result.AsSpan(start, length); !bias.IsEmpty; bias = bias[sizeof(float)..])
            BinaryPrimitives.WriteSingleLittleEndian(bias, value);
        return result;
    }

    /// <summary>Place and length of an initializer in the file of weights: entries "offset" and "length" after its name.</summary>
    private static (int Offset, int Length)? FindExternal(byte[] model, string initializer)
    {
        int at = model.AsSpan().IndexOf([.. Encoding.UTF8.GetBytes(initializer), ExternalDataTag]);
        return at < 0 ? null : (Entry(model.AsSpan(at), "offset"u8), Entry(model.AsSpan(at), "length"u8));
    }

    private static int Entry(ReadOnlySpan<byte> model, ReadOnlySpan<byte> key)
    {
        ReadOnlySpan<byte> value = model[(model.IndexOf(key) + key.Length + 1)..]; // past the value's tag
        return int.Parse(value.Slice(1, value[0]));
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
