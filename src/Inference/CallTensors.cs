using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference;

/// <summary>Inputs and output of one call shape, as tensors over the shared buffers.</summary>
internal sealed class CallTensors : IDisposable
{
    public CallTensors(CallBuffers buffers, CallShape shape, int vocabularySize)
    {
        long[] sequences = [shape.Batch, shape.Sequence], targets = [shape.Batch, shape.Targets];
        Inputs =
        [
            Over(buffers.InputIds, sequences), Over(buffers.Order, sequences), Over(buffers.PromptMask, sequences),
            Over(buffers.TargetPositions, targets), Over(buffers.TargetHorizons, targets),
        ];
        Outputs = [Over(buffers.Logits, [shape.Batch, shape.Targets, vocabularySize])];
    }

    /// <summary>In the order of <see cref="GraphContract.Inputs" />.</summary>
    public OrtValue[] Inputs { get; }

    /// <summary>In the order of <see cref="GraphContract.Outputs" />.</summary>
    public OrtValue[] Outputs { get; }

    public void Dispose()
    {
        foreach (OrtValue value in Inputs.Concat(Outputs))
            value.Dispose();
    }

    private static OrtValue Over<T>(T[] memory, long[] shape)
        where T : unmanaged
    {
        int length = checked((int)shape.Aggregate(1L, (product, size) => product * size));
        return OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, memory.AsMemory(0, length), shape);
    }
}
