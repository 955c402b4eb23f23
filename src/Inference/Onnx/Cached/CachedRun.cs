namespace AsArm.Inference.Onnx.Cached;

/// <summary>One run of the graph in ONNX Runtime: a range of the planned sequences, and its dimensions.</summary>
/// <param name="From">Index of the first sequence.</param>
/// <param name="To">Index after the last sequence.</param>
/// <param name="Shape">Dimensions.</param>
internal readonly record struct CachedRun(int From, int To, CachedShape Shape)
{
    /// <summary>The index in the batch of one of its sequences.</summary>
    public int BatchIndexOf(int sequence, CacheSlot? slot) => slot is null ? sequence - From : slot.Index - Shape.FirstSlot;
}
