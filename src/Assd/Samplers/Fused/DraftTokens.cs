using System.Numerics.Tensors;
using AsArm.Assd.Distributions;
using AsArm.Assd.DraftHeads;
using AsArm.Assd.Models;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Planning;

namespace AsArm.Assd.Samplers.Fused;

/// <summary>
/// The draft tokens of a speculation step and the distributions p~ that they were drawn from. An n-gram draft is computed again from the
/// same known tokens when it is needed; of all other sources the weights [V] are kept.
/// </summary>
internal sealed class DraftTokens(int capacity, NgramDraft ngrams, int vocabularySize)
{
    private readonly float[] _weights = GC.AllocateUninitializedArray<float>(checked(capacity * vocabularySize));
    private readonly double[] _normalised = GC.AllocateUninitializedArray<double>(vocabularySize);
    private readonly Entry[] _entries = new Entry[capacity];

    public int Capacity => capacity;

    public int Count { get; private set; }

    public void Clear() => Count = 0;

    public ref readonly Entry this[int index] => ref _entries[index];

    /// <summary>Draws the next draft token from the n-gram draft, which must be prepared for its rank.</summary>
    /// <param name="target">What the draft policy knew.</param>
    /// <param name="uniform">Uniform in [0, 1).</param>
    public int DrawNgram(DraftTarget target, double uniform)
    {
        int token = ngrams.Draw(uniform);
        _entries[Count++] = new(token, ngrams.Probability(token), 0, DraftSource.Ngram, target);
        return token;
    }

    /// <summary>
    /// Draws the next draft token from a row of the network, or from its product with the n-gram draft, which must then be prepared for its
    /// rank.
    /// </summary>
    /// <param name="source">Network or Product.</param>
    /// <param name="target">What the draft policy knew.</param>
    /// <param name="row">[V] the row, a distribution.</param>
    /// <param name="rejected">The rejected token that the row has seen as its left neighbour, or -1.</param>
    /// <param name="uniform">Uniform in [0, 1).</param>
    public int DrawFromNetwork(DraftSource source, DraftTarget target, ReadOnlySpan<float> row, int rejected, double uniform)
    {
        Span<float> weights = Weights(Count);
        if (source == DraftSource.Product)
            ngrams.WriteProduct(row, rejected, weights);
        else
            row.CopyTo(weights);
        return Draw(source, target, row, weights, uniform);
    }

    /// <summary>Draws the next draft token from a row that the draft head corrects.</summary>
    /// <param name="head">The draft head.</param>
    /// <param name="hasNgrams">Whether the n-gram draft is prepared for its rank.</param>
    /// <param name="target">What the draft policy knew.</param>
    /// <param name="row">[V] the row, a distribution.</param>
    /// <param name="state">[S] the state of its query.</param>
    /// <param name="context">The context tokens, see <see cref="HeadDraft.Write" />.</param>
    /// <param name="uniform">Uniform in [0, 1).</param>
    public int DrawFromHead(
        HeadDraft head, bool hasNgrams, DraftTarget target, ReadOnlySpan<float> row, ReadOnlySpan<float> state, ReadOnlySpan<int> context, double uniform)
    {
        Span<float> weights = Weights(Count);
        head.Write(row, state, context, hasNgrams ? ngrams : null, weights);
        return Draw(DraftSource.Head, target, row, weights, uniform);
    }

    private int Draw(DraftSource source, DraftTarget target, ReadOnlySpan<float> row, Span<float> weights, double uniform)
    {
        double total = DoubleWeights.Total(weights);
        if (!(total > 0 && double.IsFinite(total))) // the weights underflowed for every token
        {
            row.CopyTo(weights);
            total = DoubleWeights.Total(weights);
        }

        int token = DoubleWeights.Sample(weights, uniform * total);
        _entries[Count++] = new(token, weights[token] / total, total, source, target);
        return token;
    }

    /// <summary>Fills [V] with max(scale q - p~, 0) for one draft token and returns its sum.</summary>
    /// <param name="index">The draft token.</param>
    /// <param name="rank">Its rank; all tokens of earlier ranks are as they were when it was drawn.</param>
    /// <param name="state">Order and tokens.</param>
    /// <param name="oracle">q [V].</param>
    /// <param name="scale">1, or the probability of the prefix in block verification.</param>
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

        TensorPrimitives.ConvertTruncating<float, double>(Weights(index), _normalised);
        TensorPrimitives.Divide(_normalised, _entries[index].Total, _normalised);
        TensorPrimitives.Subtract(residual, _normalised, residual);
    }

    private Span<float> Weights(int index) => _weights.AsSpan(index * vocabularySize, vocabularySize);

    /// <summary>One draft token.</summary>
    /// <param name="Token">The token.</param>
    /// <param name="Probability">p~ of the token.</param>
    /// <param name="Total">The sum of the kept weights; unused for n-grams.</param>
    /// <param name="Source">The source that it was drawn from.</param>
    /// <param name="Target">What the draft policy knew.</param>
    internal readonly record struct Entry(int Token, double Probability, double Total, DraftSource Source, DraftTarget Target);
}
