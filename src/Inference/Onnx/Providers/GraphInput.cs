namespace AsArm.Inference.Onnx.Providers;

/// <summary>An input of a graph, as its file declares it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Dimensions">Each a number, the name of a dynamic dimension, or empty for one without a name.</param>
internal sealed record GraphInput(string Name, IReadOnlyList<string> Dimensions);
