using AsArm.Assd.Distributions;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Speculative decoding with n-gram drafts (Guo &amp; Ermon 2025, Algorithm 2): draft tokens are drawn one after another from the bigrams
/// of the sequence itself, counted over given and committed tokens; where the left neighbour is unknown or has no counted successor, from
/// the frequencies of all known tokens. One oracle pass per speculation step verifies them, the first included. Banned tokens are not
/// drafted.
/// </summary>
/// <remarks>
/// Position 0 has no left neighbour, and without known tokens there is nothing to count: drafting ends before such a target. If it is the
/// next target, the pass queries its conditional and commits one token. So every pass commits a token.
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
        int length = DraftLength(order, options);
        _weights = new(vocabularySize);
        _residual = new double[vocabularySize];
        _draftTokens = new int[length];
        _probabilities = new double[length];
    }

    /// <inheritdoc />
    protected override void PrepareCore(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (!_isDrafted)
            DrawDraftTokens(random);
        _isDrafted = true;
        State.BeginForwardPass(Committed + Math.Max(0, _count - 1)); // no query sees the last draft token
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

    /// <summary>Counts the successors of the left neighbour of a target, or all known tokens.</summary>
    /// <param name="committed">Only tokens of ranks below are counted: draft tokens are not, though the left neighbour may be one.</param>
    /// <param name="rank">The target.</param>
    /// <returns>The sum of the counts; 0 if there is no draft.</returns>
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
        // Only banned tokens can be listed, with weight 0.
        ContextCounts.AddAll(State, committed, _weights, 1);
        return TotalOfAllowed(position);
    }

    /// <summary>Sets the counts of banned tokens to 0, so that none is drafted, and returns the sum of the others.</summary>
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
