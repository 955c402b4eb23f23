using AsArm.Assd.Models;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>Another model that records which sequences were evaluated and released.</summary>
internal sealed class ReleasingModel(IAnySubsetModel inner) : IAnySubsetModel
{
    public int VocabularySize => inner.VocabularySize;

    public int MaxLength => inner.MaxLength;

    public int StateSize => inner.StateSize;

    /// <summary>Sequences that were evaluated and not released.</summary>
    public HashSet<SequenceState> Alive { get; } = [];

    /// <summary>The number of sequences of each forward pass.</summary>
    public List<int> Batches { get; } = [];

    /// <summary>Called when a forward pass begins.</summary>
    public Action? OnEvaluate { get; set; }

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        Batches.Add(states.Length);
        Alive.UnionWith(states.ToArray());
        OnEvaluate?.Invoke();
        inner.Evaluate(states, cancellationToken);
    }

    public void Release(SequenceState sequence) => Assert.IsTrue(Alive.Remove(sequence), "Released twice, or never evaluated.");
}
