using AsArm.Assd.Distributions;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Algorithm 2 of Guo &amp; Ermon 2025: draft tokens are drawn one after another from the bigrams of the sequence itself, given and
/// decided tokens; where the left neighbour was never followed, or is unknown, from all known tokens. One oracle call per speculation step
/// tests them; the first may be rejected too. Banned tokens are not drafted.
/// </summary>
/// <remarks>
/// Position 0 has no left neighbour, and without any known token there is nothing to count: a speculation step ends before such a target,
/// and where it is the next, the call asks the target's own conditional and decides it. So every call decides a token.
/// </remarks>
public sealed class NgramSampler : Sampler
{
    private readonly SparseWeights _weights;
    private readonly double[] _residual;
    private readonly int[] _draftTokens;
    private readonly double[] _probabilities;
    private int _count;
    private bool _isDrafted;

    /// <inheritdoc />
    public NgramSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize)
        : base(order, tokens, options, vocabularySize, DraftLength(order, options))
    {
        int rows = DraftLength(order, options);
        _weights = new(vocabularySize);
        _residual = new double[vocabularySize];
        _draftTokens = new int[rows];
        _probabilities = new double[rows];
    }

    /// <inheritdoc />
    protected override void PrepareCore(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (!_isDrafted)
            DrawDraftTokens(random);
        _isDrafted = true;
        State.BeginForwardPass(Committed + Math.Max(0, _count - 1)); // nobody sees the last draft token
        for (int i = 0; i < Math.Max(1, _count); i++)
            State.AddQuery(new Conditional(Committed + i, Committed + i));
    }

    /// <inheritdoc />
    protected override void ProcessLogitsCore(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        _isDrafted = false;
        int start = Committed;
        if (_count == 0)
            CommitSample(0, Distribution(0), random);
        for (int i = 0; i < _count; i++)
        {
            ReadOnlySpan<float> oracle = Distribution(i);
            int token = _draftTokens[i];
            if (!RejectionSampling.Accepts(random.NextDouble(), _probabilities[i], oracle[token]))
            {
                Replace(i, oracle, start, random);
                return;
            }

            Accepted++;
            Commit(token, i, oracle[token]);
        }
    }

    private void DrawDraftTokens(IRandomSource random)
    {
        _count = 0;
        while (_count < Math.Min(_draftTokens.Length, Remaining))
        {
            int rank = Committed + _count;
            double total = Count(Committed, rank);
            if (total == 0)
                return;
            int token = _weights.Tokens[DoubleWeights.Sample(_weights.Weights, random.NextDouble() * total)];
            _draftTokens[_count] = token;
            _probabilities[_count++] = _weights[token] / total;
            State.SetToken(rank, token);
            Drafted++;
        }
    }

    /// <summary>Counts what follows the left neighbour of a target; the sum of the counts, 0 where there is nothing to count.</summary>
    /// <param name="committed">Ranks below are counted; draft tokens are not, though one may be the left neighbour.</param>
    /// <param name="rank">The target.</param>
    private double Count(int committed, int rank)
    {
        _weights.Clear();
        int position = State.Order.Positions[rank];
        if (position == 0)
            return 0;
        if (State.Order.Ranks[position - 1] < rank)
            ContextCounts.AddSuccessors(State, committed, State.Tokens[position - 1], _weights, 1);
        double total = TotalOfAllowed(position);
        if (total > 0)
            return total;
        _weights.Clear();
        ContextCounts.AddAll(State, committed, _weights, 1);
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

    private void Replace(int row, ReadOnlySpan<float> oracle, int start, IRandomSource random)
    {
        double total = Count(start, start + row);
        for (int token = 0; token < _residual.Length; token++)
            _residual[token] = oracle[token];
        foreach (int token in _weights.Tokens)
            _residual[token] = Math.Max(0, _residual[token] - _weights[token] / total);
        double sum = 0;
        foreach (double weight in _residual)
            sum += weight;
        int replacement = RejectionSampling.SampleResidual(_residual, sum, oracle, random.NextDouble());
        Commit(replacement, row, oracle[replacement]);
    }
}
