namespace AsArm.Inference.Onnx.Cached;

/// <summary>The number of slots of a cache and the number of positions of each.</summary>
internal readonly record struct CacheLayout(int Slots, int Length)
{
    /// <summary>Number of positions of all slots.</summary>
    public long Positions => (long)Slots * Length;
}
