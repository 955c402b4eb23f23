namespace AsArm.Assd.Tests;

/// <summary>
/// Encodes only what a call says is new and keeps the rest from earlier calls, as a model with a KV cache does; then demands that
/// its memory shows every known rank as the call does. Now and then it is cancelled half-way, before or after encoding.
/// </summary>
internal sealed class CachingModel(IAnySubsetModel inner, ICoinSource accidents) : IAnySubsetModel
{
    private readonly Dictionary<SequenceCall, int[]> _encoded = [];

    public int VocabularySize => inner.VocabularySize;

    public int MaximumLength => inner.MaximumLength;

    /// <summary>Content rows encoded.</summary>
    public int EncodedRows { get; private set; }

    public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        foreach (SequenceCall call in calls)
        {
            if (accidents.Toss() < 0.02)
                throw new OperationCanceledException();
            Encode(call);
        }

        inner.Evaluate(calls, cancellation);
        if (accidents.Toss() < 0.02)
            throw new OperationCanceledException();
    }

    private void Encode(SequenceCall call)
    {
        ReadOnlySpan<int> positions = call.Order.Positions;
        if (!_encoded.TryGetValue(call, out int[]? tokens))
        {
            _encoded[call] = tokens = new int[positions.Length];
            Array.Fill(tokens, -1);
        }

        for (int rank = call.EncodedCount; rank < call.KnownCount; rank++)
        {
            tokens[rank] = call.Tokens[positions[rank]];
            EncodedRows++;
        }

        for (int rank = 0; rank < call.KnownCount; rank++)
            Assert.AreEqual(call.Tokens[positions[rank]], tokens[rank], $"Rank {rank} of {call.KnownCount} known was not encoded again.");
    }
}
