namespace AsArm.Inference.Onnx.Cached;

/// <summary>One run of the graph: which of the planner's rows it answers, and its sizes.</summary>
/// <param name="From">The first row.</param>
/// <param name="To">Past the last row.</param>
/// <param name="Shape">Sizes.</param>
internal readonly record struct CachedRun(int From, int To, CachedShape Shape)
{
    /// <summary>The place in the batch of one of its rows.</summary>
    public int PlaceOf(int row, CacheSlot? slot) => Shape.IsFresh ? row - From : slot!.Index - Shape.FirstSlot;
}
