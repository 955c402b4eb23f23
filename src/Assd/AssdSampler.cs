namespace AsArm.Assd;

/// <summary>
/// Any-Subset Speculative Decoding (Guo &amp; Ermon 2025, Algorithm 1). A round is two calls of the same model: a draft of k targets,
/// all seeing what is decided (p), then an oracle in which each sees the proposals before it (q).
/// </summary>
/// <remarks>
/// The first draft of a round is accepted by construction: its oracle is the same conditional (n, n), so it is not asked again.
/// Hence a round of one draft needs no oracle call, a longer round decides at least two tokens, and NFE never exceeds the number
/// of generated tokens.
/// </remarks>
public sealed class AssdSampler : Sampler
{
    private readonly float[] _draft;
    private readonly float[] _residual;
    private readonly int[] _proposals;
    private readonly int _vocabularySize;
    private int _count;
    private bool _verifying;

    /// <inheritdoc />
    public AssdSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize)
        : base(order, tokens, options, vocabularySize, RoundLength(order, options))
    {
        int rows = RoundLength(order, options);
        _vocabularySize = vocabularySize;
        _draft = new float[checked(rows * vocabularySize)];
        _residual = new float[vocabularySize];
        _proposals = new int[rows];
    }

    /// <inheritdoc />
    protected override void PlanCall(ICoinSource coins)
    {
        if (_verifying)
            PlanOracle();
        else
            PlanDraft();
    }

    /// <inheritdoc />
    protected override void TakeLogits(ICoinSource coins)
    {
        ArgumentNullException.ThrowIfNull(coins);
        if (_verifying)
            Verify(coins);
        else
            Propose(coins);
    }

    private static int RoundLength(Order order, SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(options);
        return Math.Clamp(options.DraftLength ?? SamplingOptions.UsualDraftLength, 1, Math.Max(1, order.TargetCount));
    }

    private void PlanDraft()
    {
        _count = Math.Min(_proposals.Length, Remaining);
        Call.Begin(Decided);
        for (int i = 0; i < _count; i++)
            Call.Ask(new Conditional(Decided + i, Decided));
    }

    private void Propose(ICoinSource coins)
    {
        for (int i = 0; i < _count; i++)
        {
            WriteLaw(i, DraftRow(i));
            _proposals[i] = Probabilities.Sample(DraftRow(i), coins.Toss());
            Call.SetToken(Decided + i, _proposals[i]);
        }

        Drafted += _count;
        if (_count == 1)
        {
            DecideFirst();
            return;
        }

        _verifying = true;
    }

    private void PlanOracle()
    {
        Call.Begin(Decided + _count - 1); // nobody sees the last proposal
        for (int i = 1; i < _count; i++)
            Call.Ask(new Conditional(Decided + i, Decided + i));
    }

    private void Verify(ICoinSource coins)
    {
        _verifying = false;
        DecideFirst();
        for (int i = 1; i < _count; i++)
        {
            Span<float> oracle = Law(i - 1);
            int token = _proposals[i];
            if (RejectionSampling.Accepts(coins.Toss(), DraftRow(i)[token], oracle[token]))
            {
                Accepted++;
                Decide(token, i - 1, oracle[token]);
                continue;
            }

            token = RejectionSampling.Replace(oracle, DraftRow(i), _residual, coins.Toss());
            Decide(token, i - 1, oracle[token]);
            return;
        }
    }

    /// <summary>Before any oracle row is read: the first draft is decided by its draft row.</summary>
    private void DecideFirst()
    {
        Accepted++;
        Decide(_proposals[0], 0, DraftRow(0)[_proposals[0]]);
    }

    private Span<float> DraftRow(int index) => _draft.AsSpan(index * _vocabularySize, _vocabularySize);
}
