namespace AsArm.Inference.Onnx.Providers;

/// <summary>A node of a graph and the execution provider that runs it.</summary>
/// <param name="Name">Name of the node.</param>
/// <param name="Operator">Its operator.</param>
/// <param name="Provider">Name of the provider in ONNX Runtime.</param>
internal sealed record AssignedNode(string Name, string Operator, string Provider);
