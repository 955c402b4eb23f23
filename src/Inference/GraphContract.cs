using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AsArm.Inference;

/// <summary>Names, types and ranks of the stateless graph; see docs/model-format.md.</summary>
internal static class GraphContract
{
    private const string Logits = "logits";

    /// <summary>Names of the inputs, in the order in which tensors are handed over.</summary>
    public static readonly string[] Inputs = ["input_ids", "order", "prompt_mask", "target_positions", "target_horizons"];

    /// <summary>Names of the outputs.</summary>
    public static readonly string[] Outputs = [Logits];

    /// <summary>Refuses a graph that does not keep the contract.</summary>
    /// <exception cref="ModelFolderException">Says what was expected and what is there.</exception>
    public static void Check(InferenceSession session, ModelFolder folder)
    {
        IReadOnlyDictionary<string, NodeMetadata> inputs = session.InputMetadata, outputs = session.OutputMetadata;
        Require(
            Inputs.Length == inputs.Count && Inputs.All(name => IsTensor(inputs, name, TensorElementType.Int64, 2)),
            folder, "inputs", $"int64 [dynamic, dynamic] {string.Join(", ", Inputs)}", inputs);
        Require(
            outputs.Count == 1 && IsTensor(outputs, Logits, TensorElementType.Float, 3) && HasWidth(outputs[Logits], folder.Manifest.VocabularySize),
            folder, "outputs", $"float {Logits} [batch, targets, {folder.Manifest.VocabularySize}]", outputs);
    }

    /// <summary>Refuses an asarm.json that speaks of another graph than this one, where the graph says so itself.</summary>
    /// <exception cref="ModelFolderException">Names the field.</exception>
    public static void CheckProperties(InferenceSession session, ModelFolder folder)
    {
        Dictionary<string, string> properties = session.ModelMetadata.CustomMetadataMap;
        ModelManifest manifest = folder.Manifest;
        foreach ((string name, int value) in new[] { ("mask_id", manifest.MaskId), ("layers", manifest.Layers), ("heads", manifest.Heads) })
        {
            if (properties.TryGetValue("asarm." + name, out string? found) && found != $"{value}")
                throw new ModelFolderException($"{folder.FullPath}: asarm.json says {name} {value}, {ModelFolder.OnnxFile} was made with {found}.");
        }
    }

    /// <summary>A node for display.</summary>
    public static GraphPort Describe(bool isInput, string name, NodeMetadata node)
    {
        IEnumerable<string> sizes = node.Dimensions.Zip(node.SymbolicDimensions, (size, symbol) => size >= 0 ? $"{size}" : symbol);
        return new GraphPort(isInput, name, node.ElementDataType.ToString().ToLowerInvariant(), $"[{string.Join(", ", sizes)}]");
    }

    private static bool IsTensor(IReadOnlyDictionary<string, NodeMetadata> nodes, string name, TensorElementType type, int rank) =>
        nodes.TryGetValue(name, out NodeMetadata? node) && node.IsTensor && node.ElementDataType == type
        && node.Dimensions.Length == rank && node.Dimensions[0] < 0 && node.Dimensions[1] < 0;

    private static bool HasWidth(NodeMetadata node, int width) => node.Dimensions[2] < 0 || node.Dimensions[2] == width;

    private static void Require(bool kept, ModelFolder folder, string what, string expected, IReadOnlyDictionary<string, NodeMetadata> found)
    {
        if (!kept)
            throw new ModelFolderException($"{folder.OnnxPath} has other {what} than expected ({expected}): {string.Join(", ", found.Keys)}.");
    }
}
