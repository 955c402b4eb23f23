using System.Globalization;
using System.Text;
using AsArm.Inference.ModelFolders;
using Google.Protobuf;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>
/// Checks and rewrites the references to external weights in an ONNX file (onnx.proto). A graph could reference any file; only ranges within the
/// folder's own file of weights are accepted.
/// </summary>
internal static class OnnxWeights
{
    private const int Key = 1, Value = 2; // field numbers of a StringStringEntryProto

    private enum Kind
    {
        Other,
        Model,
        Training,
        Function,
        Graph,
        Node,
        Attribute,
        SparseTensor,
        Tensor,
        ExternalData,
    }

    /// <summary>Checks that all external weights are within one file. True if there are any.</summary>
    /// <param name="model">The bytes of an ONNX file.</param>
    /// <param name="file">The name of the file of weights.</param>
    /// <param name="length">Size of that file in bytes; negative if it does not exist.</param>
    /// <exception cref="InvalidDataException">The model is damaged or references other data; the message says what is wrong.</exception>
    public static bool Check(ReadOnlySpan<byte> model, string file, long length) => Check(model, Kind.Model, file, length, 0);

    /// <summary>The same graph with external weights in a file of another name.</summary>
    public static byte[] Rename(byte[] model, string file) => Rename(model, Kind.Model, Encoding.UTF8.GetBytes(file));

    private static bool Check(ReadOnlySpan<byte> message, Kind kind, string file, long length, int depth)
    {
        depth += kind == Kind.Graph ? 1 : 0;
        if (depth > ModelLimits.GraphDepth)
            throw new InvalidDataException($"it has subgraphs that are nested {depth} deep");
        bool any = false;
        long offset = 0, bytes = 0;
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            Kind child = ChildOf(kind, reader);
            if (child == Kind.ExternalData)
            {
                any = true;
                CheckEntry(reader.Content, file, ref offset, ref bytes);
            }
            else if (child != Kind.Other)
                any |= Check(reader.Content, child, file, length, depth);
        }

        if (any && (length < 0 || offset > length || bytes > length - offset))
            throw new InvalidDataException($"it has weights beyond the end of {file}");
        return any;
    }

    private static void CheckEntry(ReadOnlySpan<byte> entry, string file, ref long offset, ref long bytes)
    {
        (string key, string value) = ReadEntry(entry);
        if (key == "location" && value != file)
            throw new InvalidDataException($"it has weights in another file than {file}");
        if (key == "offset")
            offset = Parse(value);
        else if (key == "length")
            bytes = Parse(value);
    }

    private static (string Key, string Value) ReadEntry(ReadOnlySpan<byte> entry)
    {
        string key = "", value = "";
        var reader = new ProtobufReader(entry);
        while (reader.Read())
        {
            if (reader.Field == Key)
                key = Encoding.UTF8.GetString(reader.Content);
            else if (reader.Field == Value)
                value = Encoding.UTF8.GetString(reader.Content);
        }

        return (key, value);
    }

    private static long Parse(string number) => long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
        ? value
        : throw new InvalidDataException("it has an external data offset or length that is not a number");

    private static byte[] Rename(ReadOnlySpan<byte> message, Kind kind, byte[] file)
    {
        using var stream = new MemoryStream(message.Length + file.Length);
        using var output = new CodedOutputStream(stream, leaveOpen: true);
        var reader = new ProtobufReader(message);
        bool isLocation = kind == Kind.ExternalData && ReadEntry(message).Key == "location";
        while (reader.Read())
        {
            Kind child = ChildOf(kind, reader);
            bool isFile = isLocation && reader.Field == Value;
            if (child == Kind.Other && !isFile)
            {
                output.Flush();
                stream.Write(reader.FieldBytes);
                continue;
            }

            output.WriteTag(reader.Field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(isFile ? file : Rename(reader.Content, child, file)));
        }

        output.Flush();
        return stream.ToArray();
    }

    private static Kind ChildOf(Kind kind, ProtobufReader reader) => !reader.IsMessage ? Kind.Other : (kind, reader.Field) switch
    {
        (Kind.Model, 7) or (Kind.Training, 1 or 2) or (Kind.Attribute, 6 or 11) => Kind.Graph,
        (Kind.Model, 20) => Kind.Training,
        (Kind.Model, 25) => Kind.Function,
        (Kind.Graph, 1) or (Kind.Function, 7) => Kind.Node,
        (Kind.Node, 5) or (Kind.Function, 11) => Kind.Attribute,
        (Kind.Graph, 15) or (Kind.Attribute, 22 or 23) => Kind.SparseTensor,
        (Kind.Graph, 5) or (Kind.SparseTensor, 1 or 2) or (Kind.Attribute, 5 or 10) => Kind.Tensor,
        (Kind.Tensor, 13) => Kind.ExternalData,
        _ => Kind.Other,
    };
}
