namespace AsArm.Inference.Onnx.Cached;

/// <summary>The dynamic dimensions of one run of the cached graph, and where its keys and values are.</summary>
/// <param name="FirstSlot">The first of the consecutive slots.</param>
/// <param name="Batch">Number of slots.</param>
/// <param name="Past">Number of positions of a slot.</param>
/// <param name="Content">Number of content positions.</param>
/// <param name="Targets">Number of query positions.</param>
/// <param name="IsScratch">Whether the slots are those for sequences without a slot in the cache.</param>
internal readonly record struct CachedShape(int FirstSlot, int Batch, int Past, int Content, int Targets, bool IsScratch = false)
{
    /// <summary>The last position of each slot, which no sequence has.</summary>
    public int SparePosition => Past - 1;

    /// <summary>Processed tokens, those of padding included.</summary>
    public int Tokens => Batch * (Content + Targets);

    /// <summary>The shape of a run of one sequence.</summary>
    public static CachedShape Of(PlannedSequence sequence, int past) =>
        new(sequence.Slot?.Index ?? 0, 1, past, sequence.Content, sequence.Targets, sequence.Slot is null);

    /// <summary>The shape with one more sequence: that of a later slot, or the next in scratch memory.</summary>
    public CachedShape With(PlannedSequence sequence) => this with
    {
        Batch = sequence.Slot is CacheSlot slot ? slot.Index - FirstSlot + 1 : Batch + 1,
        Content = Math.Max(Content, sequence.Content),
        Targets = Math.Max(Targets, sequence.Targets),
    };
}
