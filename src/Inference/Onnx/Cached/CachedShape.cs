namespace AsArm.Inference.Onnx.Cached;

/// <summary>The dynamic dimensions of one run of the cached graph, and its first slot; a negative slot if nothing is read from the cache.</summary>
internal readonly record struct CachedShape(int FirstSlot, int Batch, int Past, int Content, int Targets)
{
    /// <summary>Whether nothing is read from the cache. The past is then one masked position, as kernels may not support an empty one.</summary>
    public bool IsFresh => FirstSlot < 0;

    /// <summary>The shape of one sequence of which nothing is cached.</summary>
    public static CachedShape Fresh(int content, int targets) => new(-1, 1, 1, content, targets);
}
