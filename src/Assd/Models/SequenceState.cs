using AsArm.Assd.Ordering;

namespace AsArm.Assd.Models;

/// <summary>
/// What one sequence wants from one forward pass: tokens to encode (content tokens), conditionals to answer (query tokens), and room
/// for one row of logits per conditional. Made once per sequence and reused in every call.
/// </summary>
/// <remarks>
/// A model may keep what it computed for the ranks whose tokens have not changed since an earlier call of the same sequence (exact,
/// as a decoded token stays causal); it finds them by comparing the tokens with those that it has seen.
/// </remarks>
public sealed class SequenceState
{
    private readonly int[] _tokens;
    private readonly Conditional[] _conditionals;
    private readonly float[] _logits;
    private int _count;

    /// <summary>Room for a sequence and for up to <paramref name="maxQueries" /> queries a call.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored until they are set.</param>
    /// <param name="vocabularySize">V, the length of a row of logits.</param>
    /// <param name="maxQueries">Most queries of one call.</param>
    /// <exception cref="ArgumentException">The tokens do not match the order or the vocabulary.</exception>
    public SequenceState(Order order, ReadOnlySpan<int> tokens, int vocabularySize, int maxQueries)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxQueries);
        if (tokens.Length != order.Length)
            throw new ArgumentException($"{tokens.Length} tokens for an order of {order.Length} positions.", nameof(tokens));
        Order = order;
        KnownCount = order.GivenCount;
        _tokens = tokens.ToArray();
        foreach (int position in order.Positions[..order.GivenCount])
            RequireToken(_tokens[position], vocabularySize);
        VocabularySize = vocabularySize;
        _conditionals = new Conditional[maxQueries];
        _logits = GC.AllocateUninitializedArray<float>(checked(maxQueries * vocabularySize));
    }

    /// <summary>The order of the sequence.</summary>
    public Order Order { get; }

    /// <summary>V, the length of a row of logits.</summary>
    public int VocabularySize { get; }

    /// <summary>[Order.Length] tokens by position; only those of ranks below <see cref="KnownCount" /> mean anything.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    /// <summary>Ranks below have a token in this call: given, decided or drafted.</summary>
    public int KnownCount { get; private set; }

    /// <summary>The queries of this call, one row of logits each.</summary>
    public ReadOnlySpan<Conditional> Conditionals => _conditionals.AsSpan(0, _count);

    /// <summary>[Conditionals.Length, V], row after row: the model writes it, the sampler may then change it in place.</summary>
    public Span<float> Logits => _logits.AsSpan(0, _count * VocabularySize);

    /// <summary>[V] the answer to one query.</summary>
    public Span<float> Row(int index) => Logits.Slice(index * VocabularySize, VocabularySize);

    /// <summary>Starts the next call: no queries yet, ranks below <paramref name="knownCount" /> shown.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than the given tokens, or more than there are.</exception>
    public void BeginForwardPass(int knownCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(knownCount, Order.GivenCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(knownCount, Order.Length);
        KnownCount = knownCount;
        _count = 0;
    }

    /// <summary>Adds a query.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not given &lt;= horizon &lt;= min(rank, KnownCount), or rank past the end.</exception>
    /// <exception cref="InvalidOperationException">More queries than there is room for.</exception>
    public void AddQuery(Conditional conditional)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(conditional.Rank, Order.Length, nameof(conditional));
        ArgumentOutOfRangeException.ThrowIfLessThan(conditional.Horizon, Order.GivenCount, nameof(conditional));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(conditional.Horizon, Math.Min(conditional.Rank, KnownCount), nameof(conditional));
        if (_count == _conditionals.Length)
            throw new InvalidOperationException($"A call of this sequence has room for {_count} conditionals.");
        _conditionals[_count++] = conditional;
    }

    /// <summary>Sets the token of a target, decided or drafted.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Rank of a given token or past the end, or no token of the vocabulary.</exception>
    public void SetToken(int rank, int token)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, Order.GivenCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, Order.Length);
        RequireToken(token, VocabularySize);
        _tokens[Order.Positions[rank]] = token;
    }

    private static void RequireToken(int token, int vocabularySize)
    {
        if ((uint)token >= (uint)vocabularySize)
            throw new ArgumentOutOfRangeException(nameof(token), token, $"Tokens are 0..{vocabularySize - 1}.");
    }
}
