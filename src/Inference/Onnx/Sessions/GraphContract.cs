using AsArm.Inference.ModelFolders;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>The names, types and shapes of the inputs and outputs that a graph must have; see docs/model-format.md.</summary>
internal sealed class GraphContract
{
    private const int Any = -1;

    private static readonly string[] s_stateless = ["input_ids", "order", "prompt_mask", "target_positions", "target_horizons"];
    private static readonly string[] s_cached = ["input_ids", "content_positions", "content_horizons", "target_positions", "target_horizons", "past_ranks"];

    private readonly Port[] _inputs;
    private readonly Port[] _outputs;
    private readonly Port[] _optionalOutputs;

    private GraphContract(Port[] inputs, Port[] outputs, params Port[] optionalOutputs)
    {
        _inputs = inputs;
        _outputs = outputs;
        _optionalOutputs = optionalOutputs;
        Inputs = [.. inputs.Select(port => port.Name)];
        Outputs = [.. outputs.Select(port => port.Name)];
    }

    /// <summary>Names of the inputs, in the order of <see cref="BoundTensors" />.</summary>
    public string[] Inputs { get; }

    /// <summary>Names of the outputs, in the order of <see cref="BoundTensors" />.</summary>
    public string[] Outputs { get; }

    private bool HasCache => _inputs.Length > s_stateless.Length;

    /// <summary>The contract of model.onnx.</summary>
    public static GraphContract Stateless(ModelManifest manifest) => new(
        [.. Integers(s_stateless)], [Logits(manifest)]);

    /// <summary>
    /// The contract of model_cached.onnx, whose outputs of keys and values are the inputs with the new rows written. target_states is required, as the
    /// last output, for a folder with a draft head.
    /// </summary>
    public static GraphContract Cached(ModelManifest manifest)
    {
        TensorElementType type = manifest.CacheElementBytes == sizeof(float) ? TensorElementType.Float : TensorElementType.Float16;
        int[] cache = [Any, manifest.Heads, Any, manifest.HeadSize];
        var states = new Port("target_states", type, [Any, Any, manifest.ModelDimension]);
        Port[] inputs = [.. Integers(s_cached), .. KeysAndValues(manifest, "past_key_values", type, cache)];
        Port[] outputs = [Logits(manifest), .. KeysAndValues(manifest, "present", type, cache)];
        return manifest.HasDraftHead ? new(inputs, [.. outputs, states]) : new(inputs, outputs, states);
    }

    /// <summary>The contract of model_cached.onnx before <see cref="ModelManifest.InPlaceFormat" />, whose outputs of keys and values are the new rows only.</summary>
    public static GraphContract CachedInTwoParts(ModelManifest manifest) => new(
        [.. Integers(s_cached), .. KeysAndValues(manifest, "past_key_values", TensorElementType.Float, [Any, manifest.Heads, Any, manifest.HeadSize]), .. Integers("content_ranks")],
        [Logits(manifest), .. KeysAndValues(manifest, "present", TensorElementType.Float, [Any, Any, manifest.Heads, manifest.HeadSize])]);

    /// <summary>Refuses a graph that does not match the contract.</summary>
    /// <exception cref="ModelFolderException">The message says what was expected and what was found.</exception>
    public void Check(InferenceSession session, string path)
    {
        Require("inputs", _inputs, [], session.InputMetadata, path);
        Require("outputs", _outputs, _optionalOutputs, session.OutputMetadata, path);
    }

    /// <summary>
    /// Refuses an asarm.json that contradicts the metadata of the graph. Most metadata are optional. A cached graph must name its maximum length,
    /// which is that of its position table, and a graph of reduced precision must name it, as it selects the tolerance.
    /// </summary>
    /// <exception cref="ModelFolderException">The message names the field.</exception>
    public void CheckProperties(InferenceSession session, ModelFolder folder, string path)
    {
        Dictionary<string, string> properties = session.ModelMetadata.CustomMetadataMap;
        ModelManifest manifest = folder.Manifest;
        string file = Path.GetFileName(path);
        (string Name, string? Value, bool IsRequired)[] fields =
        [
            ("format_version", $"{manifest.FormatVersion}", false), ("mask_id", $"{manifest.MaskId}", false), ("maximum_length", $"{manifest.MaxLength}", HasCache),
            ("layers", $"{manifest.Layers}", false), ("heads", $"{manifest.Heads}", false), ("precision", manifest.Precision, manifest.IsRounded),
            ("checkpoint_sha256", manifest.Source?.CheckpointSha256, false),
        ];
        foreach ((string name, string? value, bool isRequired) in fields)
        {
            string? found = properties.GetValueOrDefault("asarm." + name);
            if (isRequired && found is null)
                throw new ModelFolderException($"{folder.FullPath}: {file} has no metadata asarm.{name}, asarm.json has {value}: export the model again.");
            if (value is not null && found is not null && !found.Equals(value, StringComparison.OrdinalIgnoreCase))
                throw new ModelFolderException($"{folder.FullPath}: asarm.json says {name} {value}, {file} was made with {found}.");
        }
    }

    /// <summary>An input or output for display.</summary>
    public static GraphPort Describe(bool isInput, string name, NodeMetadata node)
    {
        IEnumerable<string> sizes = node.Dimensions.Zip(node.SymbolicDimensions, (size, symbol) => size >= 0 ? $"{size}" : symbol);
        return new GraphPort(isInput, name, node.ElementDataType.ToString().ToLowerInvariant(), $"[{string.Join(", ", sizes)}]");
    }

    private static IEnumerable<Port> Integers(params string[] names) => names.Select(name => new Port(name, TensorElementType.Int64, [Any, Any]));

    /// <summary>Per layer a key and a value, in this order.</summary>
    private static IEnumerable<Port> KeysAndValues(ModelManifest manifest, string name, TensorElementType type, int[] shape) =>
        from layer in Enumerable.Range(0, manifest.Layers)
        from kind in (string[])["key", "value"]
        select new Port($"{name}.{layer}.{kind}", type, shape);

    private static Port Logits(ModelManifest manifest) => new("logits", TensorElementType.Float, [Any, Any, manifest.VocabularySize]);

    private static void Require(string what, Port[] required, Port[] optional, IReadOnlyDictionary<string, NodeMetadata> found, string path)
    {
        Port[] expected = [.. required, .. optional.Where(port => found.ContainsKey(port.Name))];
        if (expected.Length == found.Count && expected.All(port => found.TryGetValue(port.Name, out NodeMetadata? node) && port.Matches(node)))
            return;
        Port missing = expected.FirstOrDefault(port => !found.TryGetValue(port.Name, out NodeMetadata? node) || !port.Matches(node), expected[0]);
        throw new ModelFolderException(
            $"{path} has other {what} than expected ({expected.Length}, among them {missing}): {string.Join(", ", found.Keys.Take(12))}.");
    }

    /// <summary>A tensor; dimensions of <see cref="Any" /> must be dynamic, others may be.</summary>
    private sealed record Port(string Name, TensorElementType Type, int[] Shape)
    {
        public bool Matches(NodeMetadata node) =>
            node.IsTensor && node.ElementDataType == Type && node.Dimensions.Length == Shape.Length
            && Shape.Zip(node.Dimensions).All(pair => pair.Second < 0 || pair.Second == pair.First);

        public override string ToString() =>
            $"{Name}: {Type.ToString().ToLowerInvariant()} [{string.Join(", ", Shape.Select(size => size == Any ? "dynamic" : $"{size}"))}]";
    }
}
