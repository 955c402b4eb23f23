namespace AsArm.Assd;

/// <summary>
/// Algorithm 2 of Guo &amp; Ermon 2025: proposals are drawn one after another from the bigrams of the sequence itself, given and
/// decided tokens; where the left neighbour was never followed, or is unknown, from all known tokens. One oracle call per round
/// tests them; the first may be rejected too. Banned tokens are not drafted.
/// </summary>
/// <remarks>
/// Position 0 has no left neighbour, and without any known token there is nothing to count: a round ends before such a target,
/// and where it is the next, the call asks the target's own conditional and decides it. So every call decides a token.
/// </remarks>
public sealed class NgramSampler : Sampler
{
    private readonly SparseWeights _weights;
    private readonly double[] _residual;
    private readonly int[] _proposals;
    private readonly double[] _probabilities;
    private int _count;
    private bool _drawn;

    /// <inheritdoc />
    public NgramSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize)
        : base(order, tokens, options, vocabularySize, RoundLength(order, options))
    {
        int rows = RoundLength(order, options);
        _weights = new(vocabularySize);
        _residual = new double[vocabularySize];
        _proposals = new int[rows];
        _probabilities = new double[rows];
    }

    /// <inheritdoc />
    protected override void PlanCall(ICoinSource coins)
    {
        ArgumentNullException.ThrowIfNull(coins);
        if (!_drawn)
            Propose(coins);
        _drawn = true;
        Call.Begin(Decided + Math.Max(0, _count - 1)); // nobody sees the last proposal
        for (int i = 0; i < Math.Max(1, _count); i++)
            Call.Ask(new Conditional(Decided + i, Decided + i));
    }

    /// <inheritdoc />
    protected override void TakeLogits(ICoinSource coins)
    {
        ArgumentNullException.ThrowIfNull(coins);
        _drawn = false;
        int start = Decided;
        if (_count == 0)
            DecideFirst(Law(0), coins);
        for (int i = 0; i < _count; i++)
        {
            ReadOnlySpan<float> oracle = Law(i);
            int token = _proposals[i];
            if (!RejectionSampling.Accepts(coins.Toss(), _probabilities[i], oracle[token]))
            {
                Replace(i, oracle, start, coins);
                return;
            }

            Accepted++;
            Decide(token, i, oracle[token]);
        }
    }

    private static int RoundLength(Order order, SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(options);
        return Math.Clamp(options.DraftLength ?? SamplingOptions.UsualDraftLength, 1, Math.Max(1, order.TargetCount));
    }

    private void Propose(ICoinSource coins)
    {
        _count = 0;
        while (_count < Math.Min(_proposals.Length, Remaining))
        {
            int rank = Decided + _count;
            double total = Count(Decided, rank);
            if (total == 0)
                return;
            int token = _weights.Tokens[DoubleWeights.Sample(_weights.Weights, coins.Toss() * total)];
            _proposals[_count] = token;
            _probabilities[_count++] = _weights[token] / total;
            Call.SetToken(rank, token);
            Drafted++;
        }
    }

    /// <summary>Counts what follows the left neighbour of a target; the sum of the counts, 0 where there is nothing to count.</summary>
    /// <param name="decided">Ranks below are counted; proposals are not, though one may be the left neighbour.</param>
    /// <param name="rank">The target.</param>
    private double Count(int decided, int rank)
    {
        _weights.Clear();
        int position = Call.Order.Positions[rank];
        if (position == 0)
            return 0;
        if (Call.Order.Ranks[position - 1] < rank)
            ContextCounts.AddSuccessors(Call, decided, Call.Tokens[position - 1], _weights, 1);
        double total = TotalOfAllowed(position);
        if (total > 0)
            return total;
        _weights.Clear();
        ContextCounts.AddAll(Call, decided, _weights, 1);
        return TotalOfAllowed(position);
    }

    /// <summary>Takes the banned tokens out of the counts, so that none is drafted, and sums up the others.</summary>
    private double TotalOfAllowed(int position)
    {
        double total = 0;
        for (int i = 0; i < _weights.Tokens.Length; i++)
        {
            if (IsBanned(_weights.Tokens[i], position))
                _weights.Weights[i] = 0;
            total += _weights.Weights[i];
        }

        return total;
    }

    private void Replace(int row, ReadOnlySpan<float> oracle, int start, ICoinSource coins)
    {
        double total = Count(start, start + row);
        for (int token = 0; token < _residual.Length; token++)
            _residual[token] = oracle[token];
        foreach (int token in _weights.Tokens)
            _residual[token] = Math.Max(0, _residual[token] - _weights[token] / total);
        double sum = 0;
        foreach (double weight in _residual)
            sum += weight;
        double coin = coins.Toss();
        // As elsewhere: nothing left of q - p means that the two are equal up to rounding.
        int replacement = sum > 0 ? DoubleWeights.Sample(_residual, coin * sum) : Probabilities.Sample(oracle, coin);
        Decide(replacement, row, oracle[replacement]);
    }

    private void DecideFirst(ReadOnlySpan<float> law, ICoinSource coins)
    {
        int token = Probabilities.Sample(law, coins.Toss());
        Decide(token, 0, law[token]);
    }
}
