namespace AsArm.Inference.Onnx.Sessions;

/// <summary>A cache of bound tensors by shape. When it is full, all are released.</summary>
internal sealed class TensorsByShape<TShape>
    where TShape : struct, IEquatable<TShape>
{
    private const int MaxShapes = 256;

    private readonly Dictionary<TShape, BoundTensors> _tensors = [];

    public BoundTensors? Find(TShape shape) => _tensors.GetValueOrDefault(shape);

    public BoundTensors Add(TShape shape, BoundTensors tensors)
    {
        if (_tensors.Count == MaxShapes)
            Clear();
        return _tensors[shape] = tensors;
    }

    public void Clear()
    {
        foreach (BoundTensors tensors in _tensors.Values)
            tensors.Dispose();
        _tensors.Clear();
    }
}
