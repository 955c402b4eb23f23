namespace AsArm.Inference.Onnx.Cached;

/// <summary>The dynamic sizes of one run of the graph with the cache, and the first of its slots; negative for sequences of which nothing is cached.</summary>
internal readonly record struct CachedShape(int FirstSlot, int Batch, int Past, int Content, int Targets)
{
    /// <summary>Nothing is read from the cache. The past is then one position that nobody sees: kernels may not expect none at all.</summary>
    public bool IsFresh => FirstSlot < 0;

    /// <summary>A run of one sequence of which nothing is cached.</summary>
    public static CachedShape Fresh(int content, int targets) => new(-1, 1, 1, content, targets);
}
