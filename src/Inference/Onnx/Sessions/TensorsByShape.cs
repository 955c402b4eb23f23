namespace AsArm.Inference.Onnx.Sessions;

/// <summary>Bound tensors of the call shapes that were seen lately; all are let go when there are too many.</summary>
internal sealed class TensorsByShape<TShape>
    where TShape : struct, IEquatable<TShape>
{
    private const int Most = 256;

    private readonly Dictionary<TShape, BoundTensors> _tensors = [];

    public BoundTensors? Find(TShape shape) => _tensors.GetValueOrDefault(shape);

    public BoundTensors Add(TShape shape, BoundTensors tensors)
    {
        if (_tensors.Count == Most)
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
