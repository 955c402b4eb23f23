namespace AsArm.Assd.Tests;

/// <summary>Notes which sequences it was asked about and which were released.</summary>
internal sealed class ReleasingModel(IAnySubsetModel inner) : IAnySubsetModel
{
    public int VocabularySize => inner.VocabularySize;

    public int MaximumLength => inner.MaximumLength;

    /// <summary>Evaluated and not released.</summary>
    public HashSet<SequenceCall> Alive { get; } = [];

    /// <summary>Sequences of each call.</summary>
    public List<int> Batches { get; } = [];

    public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        Batches.Add(calls.Length);
        Alive.UnionWith(calls.ToArray());
        inner.Evaluate(calls, cancellation);
    }

    public void Release(SequenceCall sequence) => Assert.IsTrue(Alive.Remove(sequence), "Released twice, or never evaluated.");
}
