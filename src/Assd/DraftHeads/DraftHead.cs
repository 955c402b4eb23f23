using System.Numerics.Tensors;

namespace AsArm.Assd.DraftHeads;

/// <summary>
/// A small trained network that corrects a row of logits of an earlier forward pass by the tokens that the row has not seen: it predicts a
/// target from the state of its query and the two tokens before it. Drafts from it are exact like any others.
/// </summary>
/// <remarks>Thread-safe; the arrays of its weights must not be changed.</remarks>
public sealed class DraftHead
{
    private readonly DraftHeadWeights _weights;

    /// <summary>Checks the weights, and keeps them.</summary>
    /// <param name="weights">The weights.</param>
    /// <exception cref="ArgumentException">The sizes of the arrays do not fit together, or a weight is not finite.</exception>
    public DraftHead(DraftHeadWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        _weights = weights;
        (HiddenSize, Rank, VocabularySize) = (weights.HiddenBias.Length, weights.OutputBias.Length, weights.InputScales.Length);
        StateSize = HiddenSize == 0 ? 0 : (weights.Hidden.Length / HiddenSize) - (DraftHeadWeights.ContextTokens * Rank);
        RequireSizes();
        RequireFinite();
    }

    /// <summary>V, the number of tokens.</summary>
    public int VocabularySize { get; }

    /// <summary>S, the length of the state of a query.</summary>
    public int StateSize { get; }

    /// <summary>H, the width of the hidden layer.</summary>
    internal int HiddenSize { get; }

    /// <summary>R, the length of embeddings and of the output vector.</summary>
    internal int Rank { get; }

    /// <summary>The exponent on the odds of n-grams.</summary>
    internal double NgramExponent => _weights.NgramExponent;

    /// <summary>Writes the embedding of a context token.</summary>
    /// <param name="place">0 and 1: the token one and two positions before the target; 2: the rejected token that the row has seen before it.</param>
    /// <param name="token">The token; negative if there is none.</param>
    /// <param name="embedding">[R] the result.</param>
    internal void Embed(int place, int token, Span<float> embedding)
    {
        if (token < 0)
        {
            _weights.MissingTokens.AsSpan(place * Rank, Rank).CopyTo(embedding);
            return;
        }

        TensorPrimitives.ConvertTruncating<sbyte, float>(_weights.InputEmbedding.AsSpan(token * Rank, Rank), embedding);
        TensorPrimitives.Multiply(embedding, _weights.InputScales[token], embedding);
    }

    /// <summary>Computes the output vector, whose products with the output embeddings are added to logits.</summary>
    /// <param name="input">[S + 3 R] the state, then the embeddings of the context tokens.</param>
    /// <param name="hidden">[H] overwritten.</param>
    /// <param name="scratch">[H] overwritten.</param>
    /// <param name="output">[R] the result.</param>
    internal void Run(ReadOnlySpan<float> input, Span<float> hidden, Span<float> scratch, Span<float> output)
    {
        Multiply(_weights.Hidden, input, hidden);
        TensorPrimitives.Add(hidden, _weights.HiddenBias, hidden);
        TensorPrimitives.Sigmoid(hidden, scratch);
        TensorPrimitives.Multiply(hidden, scratch, hidden);
        Multiply(_weights.Output, hidden, output);
        TensorPrimitives.Add(output, _weights.OutputBias, output);
    }

    /// <summary>What the head adds to the logit of a token.</summary>
    /// <param name="output">[R] the output vector.</param>
    /// <param name="token">The token.</param>
    /// <param name="scratch">[R] overwritten.</param>
    internal float Correction(ReadOnlySpan<float> output, int token, Span<float> scratch)
    {
        TensorPrimitives.ConvertTruncating<sbyte, float>(_weights.OutputEmbedding.AsSpan(token * Rank, Rank), scratch);
        return _weights.OutputScales[token] * TensorPrimitives.Dot(output, scratch);
    }

    /// <summary>A matrix, row by row, times a vector.</summary>
    private static void Multiply(ReadOnlySpan<float> matrix, ReadOnlySpan<float> vector, Span<float> product)
    {
        for (int row = 0; row < product.Length; row++)
            product[row] = TensorPrimitives.Dot(matrix.Slice(row * vector.Length, vector.Length), vector);
    }

    private void RequireSizes()
    {
        DraftHeadWeights w = _weights;
        long hidden = HiddenSize, rank = Rank, vocabulary = VocabularySize;
        bool fits = StateSize > 0 && rank > 0 && vocabulary > 0
            && w.Hidden.LongLength == hidden * (StateSize + (DraftHeadWeights.ContextTokens * rank)) && w.MissingTokens.LongLength == DraftHeadWeights.ContextTokens * rank
            && w.Output.LongLength == rank * hidden && w.InputEmbedding.LongLength == vocabulary * rank && w.OutputEmbedding.LongLength == vocabulary * rank
            && w.OutputScales.LongLength == vocabulary;
        if (!fits)
            throw new ArgumentException("The sizes of the tensors of a draft head do not fit together.", "weights");
    }

    private void RequireFinite()
    {
        DraftHeadWeights w = _weights;
        foreach (float[] numbers in (float[][])[w.Hidden, w.HiddenBias, w.MissingTokens, w.Output, w.OutputBias, w.InputScales, w.OutputScales, [w.NgramExponent]])
        {
            if (!TensorPrimitives.IsFiniteAll<float>(numbers))
                throw new ArgumentException("A weight of a draft head is not finite.", "weights");
        }
    }
}
