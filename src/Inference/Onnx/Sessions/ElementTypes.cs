using System.Text;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>Element types of the tensors of an ONNX graph (TensorProto.DataType), inferred node by node.</summary>
internal sealed class ElementTypes
{
    public const int Unknown = 0, Float = 1, Int64 = 7;

    private const int UInt8 = 2, Int32 = 6, Bool = 9, Float16 = 10, Double = 11, BFloat16 = 16, FirstFloat8 = 17, LastFloat8 = 20;

    private static readonly HashSet<string> s_ofShapes = ["Shape", "Size"];
    private static readonly HashSet<string> s_toBool = ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf"];
    private static readonly HashSet<string> s_toInt64 = ["Shape", "Size", "ArgMax", "ArgMin", "NonZero"];

    private readonly Dictionary<string, int> _types = [];

    /// <summary>Adds an initializer (TensorProto).</summary>
    public void AddInitializer(ReadOnlySpan<byte> tensor)
    {
        int type = OfTensor(tensor, out string name);
        _types[name] = type;
    }

    /// <summary>Adds an input; false if an initializer has its name.</summary>
    public bool AddInput(string name, int type) => _types.TryAdd(name, type);

    /// <summary>Adds the outputs of a node whose inputs have been added. True if it computes or reads numbers that are not known to be integers or booleans.</summary>
    public bool AddNode(GraphNode node)
    {
        int[] inputs = [.. node.Inputs.Where(name => name.Length > 0).Select(name => _types.GetValueOrDefault(name))];
        int first = inputs.Length == 0 ? Unknown : inputs[0];
        int type = node.Operator switch
        {
            "Cast" => node.To,
            "Constant" => node.ValueType,
            "ConstantOfShape" => node.ValueType == Unknown ? Float : node.ValueType,
            "Where" when inputs.Length == 3 => inputs[1],
            "MatMulInteger" or "ConvInteger" => Int32,
            "QuantizeLinear" => inputs.Length == 3 ? inputs[2] : UInt8,
            "DequantizeLinear" when inputs.Length > 1 => inputs[1],
            _ when s_toInt64.Contains(node.Operator) => Int64,
            _ when s_toBool.Contains(node.Operator) => Bool,
            _ => first,
        };
        for (int i = 0; i < node.Outputs.Count; i++)
            _types[node.Outputs[i]] = node.Operator == "DynamicQuantizeLinear" ? (i == 1 ? Float : UInt8) : type;
        return IsFloat(type) || (!s_ofShapes.Contains(node.Operator) && inputs.Any(IsFloat));
    }

    /// <summary>Element type and name of a TensorProto.</summary>
    public static int OfTensor(ReadOnlySpan<byte> tensor, out string name)
    {
        int type = Unknown;
        name = "";
        for (var reader = new ProtobufReader(tensor); reader.Read();)
        {
            if (reader.Field == 2)
                type = (int)Math.Min(reader.Number, int.MaxValue);
            else if (reader.Field == 8)
                name = Encoding.UTF8.GetString(reader.Content);
        }

        return type;
    }

    private static bool IsFloat(int type) => type is Unknown or Float or Float16 or Double or BFloat16 or (>= FirstFloat8 and <= LastFloat8);
}
