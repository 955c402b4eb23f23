namespace AsArm.Assd.Models;

/// <summary>
/// An any-subset autoregressive network: evaluates conditionals of one or many sequences in one forward pass. Attention masks, key/value
/// caches, batching and devices are left to the implementation.
/// </summary>
/// <remarks>Not for concurrent callers.</remarks>
public interface IAnySubsetModel
{
    /// <summary>V, the length of a row of logits.</summary>
    int VocabularySize { get; }

    /// <summary>The longest sequence, in tokens.</summary>
    int MaxLength { get; }

    /// <summary>
    /// The length of the hidden state of a query that the model can return for a <see cref="DraftHeads.DraftHead" />; 0, the default, if it
    /// returns logits only.
    /// </summary>
    int StateSize => 0;

    /// <summary>
    /// Runs one forward pass (one NFE for each sequence in it). Fills <see cref="SequenceState.Logits" /> of every sequence with raw
    /// float32 logits, row i for query i, and <see cref="SequenceState.States" /> of those that ask for them, and changes nothing else. A row must not depend on the other queries or sequences of the pass.
    /// </summary>
    /// <param name="states">One state per sequence, each with at least one query.</param>
    /// <param name="cancellationToken">Cancels the forward pass.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the pass can be repeated with the same states.</exception>
    /// <exception cref="ArgumentException">A sequence is too long for the model.</exception>
    void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken);

    /// <summary>
    /// Frees what the model keeps for a sequence, such as its key/value cache. Logits never depend on whether this was called. The default
    /// does nothing, for models that keep nothing.
    /// </summary>
    void Release(SequenceState sequence)
    {
    }
}
