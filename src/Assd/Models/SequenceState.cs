using AsArm.Assd.Ordering;

namespace AsArm.Assd.Models;

/// <summary>
/// The input and output of a forward pass for one sequence: known tokens (content positions), conditionals to evaluate (query
/// positions), and one row of logits per query. Created once per sequence and reused in every pass.
/// </summary>
/// <remarks>
/// A model may cache what it computed for ranks whose tokens have not changed since an earlier pass of the same sequence, which it finds by
/// comparing tokens. That is exact: a token attends to earlier ranks only, and given tokens to each other.
/// </remarks>
public sealed class SequenceState
{
    private readonly int[] _tokens;
    private readonly Conditional[] _conditionals;
    private readonly float[] _logits;
    private readonly float[] _states;
    private int _count;

    /// <summary>Allocates the state of a sequence, with up to <paramref name="maxQueries" /> queries in a forward pass.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored until they are set.</param>
    /// <param name="vocabularySize">V, the length of a row of logits.</param>
    /// <param name="maxQueries">The maximum number of queries in a forward pass.</param>
    /// <param name="stateSize">
    /// The length of the state of a query that the model shall return beside the logits, <see cref="IAnySubsetModel.StateSize" />; 0 for none.
    /// </param>
    /// <exception cref="ArgumentException">The tokens do not match the order or the vocabulary.</exception>
    public SequenceState(Order order, ReadOnlySpan<int> tokens, int vocabularySize, int maxQueries, int stateSize = 0)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxQueries);
        ArgumentOutOfRangeException.ThrowIfNegative(stateSize);
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
        StateSize = stateSize;
        _states = stateSize == 0 ? [] : new float[checked(maxQueries * stateSize)];
    }

    /// <summary>The order of the sequence.</summary>
    public Order Order { get; }

    /// <summary>V, the length of a row of logits.</summary>
    public int VocabularySize { get; }

    /// <summary>The length of the state of a query; 0 if the model need not return any.</summary>
    public int StateSize { get; }

    /// <summary>[Order.Length] tokens by position; only those of ranks below <see cref="KnownCount" /> are defined.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    /// <summary>The number of ranks with a known token in this forward pass: given, committed or drafted.</summary>
    public int KnownCount { get; private set; }

    /// <summary>The queries of this forward pass, one row of logits each.</summary>
    public ReadOnlySpan<Conditional> Conditionals => _conditionals.AsSpan(0, _count);

    /// <summary>[Conditionals.Length, V], row by row. Written by the model; the sampler may overwrite it afterwards.</summary>
    public Span<float> Logits => _logits.AsSpan(0, _count * VocabularySize);

    /// <summary>[V] the logits of one query.</summary>
    public Span<float> Row(int index) => Logits.Slice(index * VocabularySize, VocabularySize);

    /// <summary>
    /// [Conditionals.Length, StateSize] states of the queries: the hidden states from which the output layer computes the logits. Written by
    /// the model.
    /// </summary>
    public Span<float> States => _states.AsSpan(0, _count * StateSize);

    /// <summary>[StateSize] the state of one query.</summary>
    public Span<float> StateRow(int index) => States.Slice(index * StateSize, StateSize);

    /// <summary>
    /// Begins the next forward pass, without queries and with known tokens at ranks below <paramref name="knownCount" />.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than the number of given tokens, or more than the length.</exception>
    public void BeginForwardPass(int knownCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(knownCount, Order.GivenCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(knownCount, Order.Length);
        KnownCount = knownCount;
        _count = 0;
    }

    /// <summary>Adds a query to this forward pass.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// Not GivenCount &lt;= horizon &lt;= min(rank, KnownCount), or the rank is past the end.
    /// </exception>
    /// <exception cref="InvalidOperationException">There are already as many queries as the constructor was told.</exception>
    public void AddQuery(Conditional conditional)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(conditional.Rank, Order.Length, nameof(conditional));
        ArgumentOutOfRangeException.ThrowIfLessThan(conditional.Horizon, Order.GivenCount, nameof(conditional));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(conditional.Horizon, Math.Min(conditional.Rank, KnownCount), nameof(conditional));
        if (_count == _conditionals.Length)
            throw new InvalidOperationException($"A forward pass of this sequence has at most {_count} queries.");
        _conditionals[_count++] = conditional;
    }

    /// <summary>Sets the token of a target, committed or drafted.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The rank is that of a given token or past the end, or the token is not in the vocabulary.
    /// </exception>
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
            throw new ArgumentOutOfRangeException(nameof(token), token, $"A token must be within 0..{vocabularySize - 1}.");
    }
}
