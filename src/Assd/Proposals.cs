namespace AsArm.Assd;

/// <summary>
/// The proposals of a round and the distributions p~ they were drawn from: an n-gram draft is prepared again from the same
/// knowledge when it is needed, a network row or product is kept as weights [V].
/// </summary>
internal sealed class Proposals(int capacity, NgramDraft ngrams, int vocabularySize)
{
    private readonly float[] _weights = new float[checked(capacity * vocabularySize)];
    private readonly Entry[] _entries = new Entry[capacity];

    public int Capacity => capacity;

    public int Count { get; private set; }

    public void Clear() => Count = 0;

    public ref readonly Entry this[int index] => ref _entries[index];

    /// <summary>Draws the next proposal; the n-gram draft is prepared for it.</summary>
    /// <param name="source">What from.</param>
    /// <param name="target">What the plan knew.</param>
    /// <param name="row">[V] the network's row, for the sources that use it.</param>
    /// <param name="call">Order and tokens.</param>
    /// <param name="rank">The target.</param>
    /// <param name="coin">Uniform in [0, 1).</param>
    public int Draw(DraftSource source, DraftTarget target, ReadOnlySpan<float> row, SequenceCall call, int rank, double coin)
    {
        int token;
        double probability, total = 0;
        if (source == DraftSource.Ngram)
        {
            token = ngrams.Draw(coin);
            probability = ngrams.Probability(token);
        }
        else
        {
            Span<float> weights = Weights(Count);
            row.CopyTo(weights);
            if (source == DraftSource.Product && ngrams.Prepare(call, rank, rank, useRight: (target.RowSees & Neighbours.Right) == 0))
                ngrams.MultiplyInto(weights);
            total = DoubleWeights.Total(weights);
            token = DoubleWeights.Sample(weights, coin * total);
            probability = weights[token] / total;
        }

        _entries[Count++] = new(token, probability, total, source, target);
        return token;
    }

    /// <summary>Fills [V] with max(scale q - p~, 0) for one proposal and returns the sum.</summary>
    /// <param name="index">The proposal.</param>
    /// <param name="rank">Its rank; all tokens before it are as they were when it was drawn.</param>
    /// <param name="call">Order and tokens.</param>
    /// <param name="oracle">q [V].</param>
    /// <param name="scale">1, or less in block verification.</param>
    /// <param name="residual">[V] the result.</param>
    public double Residual(int index, int rank, SequenceCall call, ReadOnlySpan<float> oracle, double scale, Span<double> residual)
    {
        for (int token = 0; token < residual.Length; token++)
            residual[token] = scale * oracle[token];
        Subtract(index, rank, call, residual);
        double sum = 0;
        foreach (ref double weight in residual)
        {
            weight = Math.Max(weight, 0);
            sum += weight;
        }

        return sum;
    }

    private void Subtract(int index, int rank, SequenceCall call, Span<double> residual)
    {
        if (_entries[index].Source == DraftSource.Ngram)
        {
            ngrams.Prepare(call, rank, rank);
            ngrams.SubtractFrom(residual);
            return;
        }

        ReadOnlySpan<float> weights = Weights(index);
        for (int token = 0; token < residual.Length; token++)
            residual[token] -= weights[token] / _entries[index].Total;
    }

    private Span<float> Weights(int index) => _weights.AsSpan(index * vocabularySize, vocabularySize);

    /// <summary>One proposal.</summary>
    /// <param name="Token">What was drawn.</param>
    /// <param name="Probability">p~ of it.</param>
    /// <param name="Total">The sum of the weights, where they are kept.</param>
    /// <param name="Source">What it was drawn from.</param>
    /// <param name="Target">What the plan knew.</param>
    internal readonly record struct Entry(int Token, double Probability, double Total, DraftSource Source, DraftTarget Target);
}
