using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>The inputs and outputs of one shape, as tensors over pinned buffers, bound to a graph.</summary>
internal sealed class BoundTensors : IDisposable
{
    private readonly GraphContract _contract;
    private readonly OrtValue[] _inputs;
    private readonly OrtValue[] _outputs;

    /// <summary>Binds the tensors, and takes ownership of them.</summary>
    /// <param name="graph">The graph that will run with them.</param>
    /// <param name="inputs">In the order of the contract.</param>
    /// <param name="outputs">In the order of the contract; one that is also an input is updated in place.</param>
    public BoundTensors(OnnxGraph graph, OrtValue[] inputs, OrtValue[] outputs)
    {
        _contract = graph.Contract;
        (_inputs, _outputs) = (inputs, outputs);
        Binding = graph.Session.CreateIoBinding();
        BindInputs();
        for (int i = 0; i < outputs.Length; i++)
            Binding.BindOutput(_contract.Outputs[i], outputs[i]);
    }

    /// <summary>The binding to run with.</summary>
    public OrtIoBinding Binding { get; }

    /// <summary>Whether the tensors are in the memory of the device, so that a run copies nothing.</summary>
    public bool AreOnDevice { get; set; }

    /// <summary>Number of runs, counted by <see cref="GraphCaptures" />.</summary>
    public int Runs { get; set; }

    /// <summary>The options of runs that are captured and replayed; null for runs as usual.</summary>
    public RunOptions? CaptureOptions { get; set; }

    /// <summary>Binds the inputs again, which copies them to a GPU.</summary>
    public void BindInputs()
    {
        for (int i = 0; i < _inputs.Length; i++)
            Binding.BindInput(_contract.Inputs[i], _inputs[i]);
    }

    public void Dispose()
    {
        Binding.Dispose();
        CaptureOptions?.Dispose();
        foreach (OrtValue value in _inputs.Union(_outputs))
            value.Dispose();
    }

    /// <summary>A tensor over a part of a pinned array.</summary>
    public static OrtValue Over<T>(T[] memory, ReadOnlySpan<int> shape, int offset = 0)
        where T : unmanaged
    {
        int length = 1;
        var sizes = new long[shape.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            sizes[i] = shape[i];
            length = checked(length * shape[i]);
        }

        return OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, memory.AsMemory(offset, length), sizes);
    }
}
