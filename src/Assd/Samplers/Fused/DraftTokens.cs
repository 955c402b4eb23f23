using System.Numerics.Tensors;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Planning;

namespace AsArm.Assd.Samplers.Fused;

/// <summary>
/// The draft tokens of a speculation step and the distributions p~ they were drawn from: an n-gram draft is prepared again from the same
/// knowledge when it is needed, a network row or product is kept as weights [V].
/// </summary>
internal sealed class DraftTokens(int capacity, NgramDraft ngrams, int vocabularySize)
{
    private readonly float[] _weights = GC.AllocateUninitializedArray<float>(checked(capacity * vocabularySize));
    private readonly double[] _widened = GC.AllocateUninitializedArray<double>(vocabularySize);
    private readonly Entry[] _entries = new Entry[capacity];

    public int Capacity => capacity;

    public int Count { get; private set; }

    public void Clear() => Count = 0;

    public ref readonly Entry this[int index] => ref _entries[index];

    /// <summary>Draws the next draft token from the n-gram draft, which is prepared for it.</summary>
    /// <param name="target">What the plan knew.</param>
    /// <param name="uniform">Uniform in [0, 1).</param>
    public int DrawNgram(DraftTarget target, double uniform)
    {
        int token = ngrams.Draw(uniform);
        _entries[Count++] = new(token, ngrams.Probability(token), 0, DraftSource.Ngram, target);
        return token;
    }

    /// <summary>Draws the next draft token from a row of the network, or from its product with the n-gram draft, which is prepared.</summary>
    /// <param name="source">Which of the two.</param>
    /// <param name="target">What the plan knew.</param>
    /// <param name="row">[V] the row, a distribution.</param>
    /// <param name="rejected">The token that the row has seen on its left, if that one was rejected; else -1.</param>
    /// <param name="uniform">Uniform in [0, 1).</param>
    public int DrawFromNetwork(DraftSource source, DraftTarget target, ReadOnlySpan<float> row, int rejected, double uniform)
    {
        Span<float> weights = Weights(Count);
        if (source == DraftSource.Product)
            ngrams.WriteProduct(row, rejected, weights);
        else
            row.CopyTo(weights);
        double total = DoubleWeights.Total(weights);
        if (!(total > 0 && double.IsFinite(total))) // all that the two have in common underflowed
        {
            row.CopyTo(weights);
            total = DoubleWeights.Total(weights);
        }

        int token = DoubleWeights.Sample(weights, uniform * total);
        _entries[Count++] = new(token, weights[token] / total, total, source, target);
        return token;
    }

    /// <summary>Fills [V] with max(scale q - p~, 0) for one draft token and returns the sum.</summary>
    /// <param name="index">The draft token.</param>
    /// <param name="rank">Its rank; all tokens before it are as they were when it was drawn.</param>
    /// <param name="state">Order and tokens.</param>
    /// <param name="oracle">q [V].</param>
    /// <param name="scale">1, or less in block verification.</param>
    /// <param name="residual">[V] the result.</param>
    public double Residual(int index, int rank, SequenceState state, ReadOnlySpan<float> oracle, double scale, Span<double> residual)
    {
        TensorPrimitives.ConvertTruncating(oracle, residual);
        TensorPrimitives.Multiply(residual, scale, residual);
        Subtract(index, rank, state, residual);
        TensorPrimitives.Max(residual, 0, residual);
        return TensorPrimitives.Sum<double>(residual);
    }

    private void Subtract(int index, int rank, SequenceState state, Span<double> residual)
    {
        if (_entries[index].Source == DraftSource.Ngram)
        {
            ngrams.Prepare(state, rank, rank);
            ngrams.SubtractFrom(residual);
            return;
        }

        TensorPrimitives.ConvertTruncating<float, double>(Weights(index), _widened);
        TensorPrimitives.Divide(_widened, _entries[index].Total, _widened);
        TensorPrimitives.Subtract(residual, _widened, residual);
    }

    private Span<float> Weights(int index) => _weights.AsSpan(index * vocabularySize, vocabularySize);

    /// <summary>One draft token.</summary>
    /// <param name="Token">What was drawn.</param>
    /// <param name="Probability">p~ of it.</param>
    /// <param name="Total">The sum of the weights, where they are kept.</param>
    /// <param name="Source">What it was drawn from.</param>
    /// <param name="Target">What the plan knew.</param>
    internal readonly record struct Entry(int Token, double Probability, double Total, DraftSource Source, DraftTarget Target);
}
