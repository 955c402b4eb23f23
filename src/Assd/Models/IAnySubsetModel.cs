namespace AsArm.Assd.Models;

/// <summary>
/// The border between algorithm and network: answers conditionals for one or many sequences in one call. Masks, caches, batching
/// and devices are the model's own business.
/// </summary>
/// <remarks>An instance serves one call at a time; it need not be safe for concurrent callers.</remarks>
public interface IAnySubsetModel
{
    /// <summary>V, the length of a row of logits.</summary>
    int VocabularySize { get; }

    /// <summary>The longest sequence, in tokens.</summary>
    int MaxLength { get; }

    /// <summary>
    /// One forward pass (one NFE for each sequence in it). Fills <see cref="SequenceState.Logits" /> of every call with raw float32
    /// logits, row i for conditional i; changes nothing else. The rows must not depend on which other rows or sequences take part.
    /// </summary>
    /// <param name="states">One entry per sequence, each with at least one conditional.</param>
    /// <param name="cancellationToken">Stops the call early.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the calls can be repeated.</exception>
    /// <exception cref="ArgumentException">A sequence is too long for the model.</exception>
    void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken);

    /// <summary>
    /// The sequence will not be evaluated again: what the model keeps for it is free for others. Answers never depend on whether
    /// this was called; a model without memory of its sequences has nothing to do.
    /// </summary>
    void Release(SequenceState sequence)
    {
    }
}
