using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>Pinned memory of the output target_states [batch, targets, S], of the element type of the cache.</summary>
internal sealed class TargetStates
{
    private readonly int _size;
    private readonly float[] _single = [];
    private readonly Float16[] _half = []; // ONNX Runtime's type, of the same bits as Half
    private readonly bool _isHalf;

    /// <param name="manifest">The model.</param>
    /// <param name="targets">The number of targets that fit.</param>
    public TargetStates(ModelManifest manifest, int targets)
    {
        _size = manifest.ModelDimension;
        _isHalf = manifest.CacheElementBytes != sizeof(float);
        int length = checked(targets * _size);
        if (_isHalf)
            _half = GC.AllocateUninitializedArray<Float16>(length, pinned: true);
        else
            _single = GC.AllocateUninitializedArray<float>(length, pinned: true);
    }

    /// <summary>The output of a run.</summary>
    public OrtValue Bind(int batch, int targets) =>
        _isHalf ? BoundTensors.Over(_half, [batch, targets, _size]) : BoundTensors.Over(_single, [batch, targets, _size]);

    /// <summary>Reads consecutive states.</summary>
    /// <param name="first">Index of the first.</param>
    /// <param name="states">[n, S] the result.</param>
    public void Read(int first, Span<float> states)
    {
        if (_isHalf)
            TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<Float16, Half>(_half.AsSpan(first * _size, states.Length)), states);
        else
            _single.AsSpan(first * _size, states.Length).CopyTo(states);
    }
}
