using System.Text;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>A node of an ONNX graph (NodeProto), as far as the types of its results depend on it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Operator">Its operator.</param>
/// <param name="Inputs">Names of its inputs; empty where one is left out.</param>
/// <param name="Outputs">Names of its outputs.</param>
/// <param name="To">Its attribute `to`; 0 without.</param>
/// <param name="ValueType">The element type of its attribute `value` and the like; 0 without.</param>
internal sealed record GraphNode(string Name, string Operator, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, int To, int ValueType)
{
    /// <summary>Reads a NodeProto.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static GraphNode Read(ReadOnlySpan<byte> message)
    {
        string name = "", type = "";
        List<string> inputs = [], outputs = [];
        int to = 0, valueType = 0;
        for (var reader = new ProtobufReader(message); reader.Read();)
        {
            switch (reader.Field)
            {
                case 1: inputs.Add(Text(reader)); break;
                case 2: outputs.Add(Text(reader)); break;
                case 3: name = Text(reader); break;
                case 4: type = Text(reader); break;
                case 5: ReadAttribute(reader.Content, ref to, ref valueType); break;
            }
        }

        return new(name, type, inputs, outputs, to, valueType);
    }

    /// <summary>An AttributeProto: name, i, t with its data_type; value_float and value_int of a Constant are known by name.</summary>
    private static void ReadAttribute(ReadOnlySpan<byte> message, ref int to, ref int valueType)
    {
        string name = "";
        int number = 0, tensorType = 0;
        for (var reader = new ProtobufReader(message); reader.Read();)
        {
            if (reader.Field == 1)
                name = Text(reader);
            else if (reader.Field == 3)
                number = (int)Math.Min(reader.Number, int.MaxValue);
            else if (reader is { Field: 5, IsMessage: true })
                tensorType = ElementTypes.OfTensor(reader.Content, out _);
        }

        if (name == "to")
            to = number;
        else if (name.StartsWith("value", StringComparison.Ordinal))
            valueType = name switch { "value" => tensorType, "value_int" or "value_ints" => ElementTypes.Int64, _ => ElementTypes.Float };
    }

    private static string Text(ProtobufReader reader) => Encoding.UTF8.GetString(reader.Content);
}
