using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AsArm.Inference;

/// <summary>Names, types and ranks of the stateless graph; see docs/model-format.md.</summary>
internal static class GraphContract
{
    public const string InputIds = "input_ids";
    public const string Order = "order";
    public const string PromptMask = "prompt_mask";
    public const string TargetPositions = "target_positions";
    public const string TargetHorizons = "target_horizons";
    public const string Logits = "logits";

    private static readonly string[] s_inputs = [InputIds, Order, PromptMask, TargetPositions, TargetHorizons];

    /// <summary>Refuses a graph that does not keep the contract.</summary>
    /// <exception cref="ModelFolderException">Says what was expected and what is there.</exception>
    public static void Check(InferenceSession session, ModelFolder folder)
    {
        IReadOnlyDictionary<string, NodeMetadata> inputs = session.InputMetadata, outputs = session.OutputMetadata;
        Require(
            s_inputs.Length == inputs.Count && s_inputs.All(name => IsTensor(inputs, name, TensorElementType.Int64, 2)),
            folder, "inputs", $"int64 [dynamic, dynamic] {string.Join(", ", s_inputs)}", inputs);
        Require(
            outputs.Count == 1 && IsTensor(outputs, Logits, TensorElementType.Float, 3) && HasWidth(outputs[Logits], folder.Manifest.VocabularySize),
            folder, "outputs", $"float {Logits} [batch, targets, {folder.Manifest.VocabularySize}]", outputs);
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
