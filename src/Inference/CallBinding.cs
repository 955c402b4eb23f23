using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference;

/// <summary>Inputs and output of one call shape, bound to the shared buffers.</summary>
internal sealed class CallBinding : IDisposable
{
    private readonly List<OrtValue> _values = [];

    public CallBinding(InferenceSession session, CallBuffers buffers, CallShape shape, int vocabularySize)
    {
        Binding = session.CreateIoBinding();
        long[] sequences = [shape.Batch, shape.Sequence], targets = [shape.Batch, shape.Targets];
        Input(GraphContract.InputIds, buffers.InputIds, sequences);
        Input(GraphContract.Order, buffers.Order, sequences);
        Input(GraphContract.PromptMask, buffers.PromptMask, sequences);
        Input(GraphContract.TargetPositions, buffers.TargetPositions, targets);
        Input(GraphContract.TargetHorizons, buffers.TargetHorizons, targets);
        Binding.BindOutput(GraphContract.Logits, Tensor(buffers.Logits, [shape.Batch, shape.Targets, vocabularySize]));
    }

    public OrtIoBinding Binding { get; }

    public void Dispose()
    {
        Binding.Dispose();
        _values.ForEach(value => value.Dispose());
    }

    private void Input(string name, long[] memory, long[] shape) => Binding.BindInput(name, Tensor(memory, shape));

    private OrtValue Tensor<T>(T[] memory, long[] shape)
        where T : unmanaged
    {
        int length = checked((int)shape.Aggregate(1L, (product, size) => product * size));
        var value = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, memory.AsMemory(0, length), shape);
        _values.Add(value);
        return value;
    }
}
