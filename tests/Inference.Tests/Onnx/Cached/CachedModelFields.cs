using System.Runtime.CompilerServices;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>Private fields of a model that tests look at.</summary>
internal static class CachedModelFields
{
    public static CacheSlots Slots(CachedOnnxModel model) => SlotsOf(model);

    public static IKeyValueCache Cache(CachedOnnxModel model) => CacheOf(model);

    /// <summary>The cache of sequences without a slot.</summary>
    public static IKeyValueCache Scratch(CachedOnnxModel model) => ScratchOf(model);

    /// <summary>The limits, which may be replaced.</summary>
    public static ref RunLimits Limits(CachedOnnxModel model) => ref LimitsOf(model);

    /// <summary>The tensors of the shapes that the model keeps.</summary>
    public static List<BoundTensors> Tensors(CachedOnnxModel model)
    {
        var all = new List<BoundTensors>();
        TensorsOf(model).ForEach(all.Add);
        return all;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_slots")]
    private static extern ref CacheSlots SlotsOf(CachedOnnxModel model);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_cache")]
    private static extern ref IKeyValueCache CacheOf(CachedOnnxModel model);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_scratch")]
    private static extern ref IKeyValueCache ScratchOf(CachedOnnxModel model);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_limits")]
    private static extern ref RunLimits LimitsOf(CachedOnnxModel model);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_tensors")]
    private static extern ref TensorsByShape<CachedShape> TensorsOf(CachedOnnxModel model);
}
