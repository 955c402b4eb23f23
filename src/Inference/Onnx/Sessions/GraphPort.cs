namespace AsArm.Inference.Onnx.Sessions;

/// <summary>An input or output of a graph, for display.</summary>
/// <param name="IsInput">False for an output.</param>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type, as ONNX Runtime names it.</param>
/// <param name="Shape">Dimensions; dynamic ones by name.</param>
internal sealed record GraphPort(bool IsInput, string Name, string Type, string Shape);
