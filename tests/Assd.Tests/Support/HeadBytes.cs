using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using AsArm.Assd.DraftHeads;

namespace AsArm.Assd.Tests.Support;

/// <summary>Writes draft_head.safetensors, see docs/draft-head-format.md.</summary>
internal static class HeadBytes
{
    public static byte[] Write(DraftHeadWeights head, string without = "")
    {
        int hidden = head.HiddenBias.Length, rank = head.OutputBias.Length, vocabulary = head.InputScales.Length;
        var header = new StringBuilder();
        var data = new MemoryStream();
        void Add(string name, string type, int[] shape, ReadOnlySpan<byte> bytes)
        {
            if (name == without)
                return;
            string entry = $"\"draft_head.{name}\":{{\"dtype\":\"{type}\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{data.Position},{data.Position + bytes.Length}]}}";
            header.Append(CultureInfo.InvariantCulture, $"{(header.Length == 0 ? "" : ",")}{entry}");
            data.Write(bytes);
        }

        void AddHalf(string name, int[] shape, float[] values) =>
            Add(name, "F16", shape, MemoryMarshal.AsBytes<Half>(values.Select(value => (Half)value).ToArray()));
        AddHalf("hidden.weight", [hidden, head.Hidden.Length / hidden], head.Hidden);
        AddHalf("missing_tokens", head.MissingTokens.Length == DraftHeadWeights.ContextTokens * rank ? [DraftHeadWeights.ContextTokens, rank] : [head.MissingTokens.Length], head.MissingTokens);
        AddHalf("hidden.bias", [hidden], head.HiddenBias);
        AddHalf("output.weight", [rank, hidden], head.Output);
        AddHalf("output.bias", [rank], head.OutputBias);
        Add("input_embedding.weight", "I8", [vocabulary, rank], MemoryMarshal.AsBytes<sbyte>(head.InputEmbedding));
        Add("input_embedding.scale", "F32", [vocabulary], MemoryMarshal.AsBytes<float>(head.InputScales));
        Add("output_embedding.weight", "I8", [vocabulary, rank], MemoryMarshal.AsBytes<sbyte>(head.OutputEmbedding));
        Add("output_embedding.scale", "F32", [vocabulary], MemoryMarshal.AsBytes<float>(head.OutputScales));
        Add("ngram_exponent", "F32", [1], MemoryMarshal.AsBytes<float>([head.NgramExponent]));
        byte[] text = Encoding.UTF8.GetBytes($"{{{header}}}"), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data.ToArray()];
    }
}
