namespace AsArm.Inference;

/// <summary>The dynamic sizes of one run of the graph with the cache, and the first of its slots.</summary>
internal readonly record struct CachedShape(int FirstSlot, int Batch, int Past, int Content, int Targets);
