namespace AsArm.Inference.Onnx.Sessions;

/// <summary>ONNX Runtime could not run a graph that it had loaded: memory ran out, or the graph is damaged; the message names the graph and ONNX Runtime's reason.</summary>
public sealed class ModelRunException : Exception
{
    /// <summary>A message in one line.</summary>
    public ModelRunException(string message)
        : base(message)
    {
    }

    /// <summary>A message in one line, with what caused it.</summary>
    public ModelRunException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
