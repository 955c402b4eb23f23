using System.Numerics.Tensors;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.DeviceMemory;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>Pinned memory of the output target_states [batch, targets, S], of the element type of the cache.</summary>
internal sealed class TargetStates : IDisposable
{
    private readonly int _size;
    private readonly TransferBuffer<float>? _single;
    private readonly TransferBuffer<Half>? _half; // for graphs that compute in float16

    /// <param name="manifest">The model.</param>
    /// <param name="memory">The memory of the device; null for a CPU.</param>
    /// <param name="targets">The number of targets that fit.</param>
    public TargetStates(ModelManifest manifest, IDeviceMemory? memory, int targets)
    {
        _size = manifest.ModelDimension;
        int length = checked(targets * _size);
        if (manifest.CacheElementBytes == sizeof(float))
            _single = new TransferBuffer<float>(memory, length);
        else
            _half = new TransferBuffer<Half>(memory, length);
    }

    /// <summary>The output of a run.</summary>
    public OrtValue Bind(int batch, int targets) =>
        _single?.Tensor(TensorElementType.Float, [batch, targets, _size]) ?? _half!.Tensor(TensorElementType.Float16, [batch, targets, _size]);

    /// <summary>Makes the states of a run readable.</summary>
    /// <param name="batch">Number of slots that are read, from the first one.</param>
    /// <param name="pitch">Number of targets of each in the run.</param>
    /// <param name="targets">Number of targets that are read of each.</param>
    public void Download(int batch, int pitch, int targets)
    {
        _single?.Download(batch, pitch * _size, targets * _size);
        _half?.Download(batch, pitch * _size, targets * _size);
    }

    /// <summary>Reads consecutive states.</summary>
    /// <param name="first">Index of the first.</param>
    /// <param name="states">[n, S] the result.</param>
    public void Read(int first, Span<float> states)
    {
        if (_single is not null)
            _single.Values.Slice(first * _size, states.Length).CopyTo(states);
        else
            TensorPrimitives.ConvertToSingle(_half!.Values.Slice(first * _size, states.Length), states);
    }

    public void Dispose()
    {
        _single?.Dispose();
        _half?.Dispose();
    }
}
