using AsArm.Assd;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>A run could not be captured. The session must be opened again without captures, as its stream may be left in the middle of one.</summary>
internal sealed class GraphCaptureException(string message, Exception inner) : AsArmException(message, inner);
