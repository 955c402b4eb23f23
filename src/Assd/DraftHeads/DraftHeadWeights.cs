namespace AsArm.Assd.DraftHeads;

/// <summary>
/// The weights of a <see cref="DraftHead" />: S state size, H hidden size, R rank, V vocabulary. Matrices are row by row.
/// docs/draft-head-format.md has the formula and the file.
/// </summary>
public sealed record DraftHeadWeights
{
    /// <summary>The number of tokens that the head sees beside the state: the two before the target, and a rejected one.</summary>
    public const int ContextTokens = 3;

    /// <summary>[H, S + 3 R] from the state and the embeddings of the context tokens to the hidden layer.</summary>
    public required float[] Hidden { get; init; }

    /// <summary>[H] the bias of the hidden layer.</summary>
    public required float[] HiddenBias { get; init; }

    /// <summary>[3, R] the embeddings that stand for missing context tokens.</summary>
    public required float[] MissingTokens { get; init; }

    /// <summary>[R, H] from the hidden layer to the output vector.</summary>
    public required float[] Output { get; init; }

    /// <summary>[R] the bias of the output vector.</summary>
    public required float[] OutputBias { get; init; }

    /// <summary>[V, R] embeddings of the context tokens, up to <see cref="InputScales" />.</summary>
    public required sbyte[] InputEmbedding { get; init; }

    /// <summary>[V] the factors on <see cref="InputEmbedding" />.</summary>
    public required float[] InputScales { get; init; }

    /// <summary>[V, R] embeddings of the predicted tokens, up to <see cref="OutputScales" />.</summary>
    public required sbyte[] OutputEmbedding { get; init; }

    /// <summary>[V] the factors on <see cref="OutputEmbedding" />.</summary>
    public required float[] OutputScales { get; init; }

    /// <summary>The exponent on the odds of n-grams where there are any; 0 ignores them.</summary>
    public required float NgramExponent { get; init; }
}
