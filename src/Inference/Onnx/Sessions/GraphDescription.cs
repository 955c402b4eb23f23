using System.Text;
using AsArm.Inference.Onnx.Providers;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>What an ONNX file (onnx.proto) says of a graph's inputs and of the numbers that its nodes compute with.</summary>
internal sealed class GraphDescription
{
    private readonly List<GraphInput> _inputs = [];
    private readonly Dictionary<string, bool> _floats = [];

    private GraphDescription()
    {
    }

    /// <summary>The inputs that are not initializers.</summary>
    public IReadOnlyList<GraphInput> Inputs => _inputs;

    /// <summary>Whether a node computes or reads floating-point numbers, by its name; a node that only reads a shape does not. Nodes of one name count together.</summary>
    public IReadOnlyDictionary<string, bool> Floats => _floats;

    /// <summary>Reads a graph, without its subgraphs.</summary>
    /// <param name="model">The bytes of an ONNX file.</param>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static GraphDescription Read(ReadOnlySpan<byte> model)
    {
        var description = new GraphDescription();
        for (var reader = new ProtobufReader(model); reader.Read();)
        {
            if (reader is { Field: 7, IsMessage: true })
                description.ReadGraph(reader.Content);
        }

        return description;
    }

    private void ReadGraph(ReadOnlySpan<byte> graph)
    {
        var types = new ElementTypes();
        for (var reader = new ProtobufReader(graph); reader.Read();)
        {
            if (reader is { Field: 5, IsMessage: true })
                types.AddInitializer(reader.Content);
        }

        for (var reader = new ProtobufReader(graph); reader.Read();)
        {
            if (reader is { Field: 11, IsMessage: true })
                ReadInput(reader.Content, types);
        }

        for (var reader = new ProtobufReader(graph); reader.Read();)
        {
            if (reader is not { Field: 1, IsMessage: true })
                continue;
            GraphNode node = GraphNode.Read(reader.Content);
            bool isFloat = types.AddNode(node);
            _floats[node.Name] = isFloat || _floats.GetValueOrDefault(node.Name);
        }
    }

    /// <summary>A ValueInfoProto: name, and type.tensor_type with its elem_type and shape.</summary>
    private void ReadInput(ReadOnlySpan<byte> input, ElementTypes types)
    {
        string name = "";
        int type = ElementTypes.Unknown;
        var dimensions = new List<string>();
        for (var reader = new ProtobufReader(input); reader.Read();)
        {
            if (reader.Field == 1)
                name = Encoding.UTF8.GetString(reader.Content);
            else if (reader is { Field: 2, IsMessage: true })
                type = ReadTensorType(Child(reader.Content, 1), dimensions);
        }

        if (types.AddInput(name, type))
            _inputs.Add(new(name, dimensions));
    }

    private static int ReadTensorType(ReadOnlySpan<byte> tensor, List<string> dimensions)
    {
        int type = ElementTypes.Unknown;
        for (var reader = new ProtobufReader(tensor); reader.Read();)
        {
            if (reader.Field == 1)
                type = (int)reader.Number;
            else if (reader is { Field: 2, IsMessage: true })
                ReadShape(reader.Content, dimensions);
        }

        return type;
    }

    private static void ReadShape(ReadOnlySpan<byte> shape, List<string> dimensions)
    {
        for (var reader = new ProtobufReader(shape); reader.Read();)
        {
            if (reader is not { Field: 1, IsMessage: true })
                continue;
            string dimension = "";
            for (var inner = new ProtobufReader(reader.Content); inner.Read();)
                dimension = inner.Field switch { 1 => $"{inner.Number}", 2 => Encoding.UTF8.GetString(inner.Content), _ => dimension };
            dimensions.Add(dimension);
        }
    }

    private static ReadOnlySpan<byte> Child(ReadOnlySpan<byte> message, int field)
    {
        for (var reader = new ProtobufReader(message); reader.Read();)
        {
            if (reader.Field == field && reader.IsMessage)
                return reader.Content;
        }

        return default;
    }
}
