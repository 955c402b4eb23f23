using AsArm.Assd;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>ONNX Runtime failed to run a graph: memory ran out, or the graph is damaged. The message names the graph and ONNX Runtime's reason.</summary>
public sealed class ModelRunException : AsArmException
{
    /// <summary>A message in one line.</summary>
    public ModelRunException(string message)
        : base(message)
    {
    }

    /// <summary>A message in one line, with the exception that caused it.</summary>
    public ModelRunException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
