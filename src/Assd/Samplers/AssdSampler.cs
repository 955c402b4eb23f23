using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Any-Subset Speculative Decoding (Guo &amp; Ermon 2025, Algorithm 1). A speculation step has two forward passes of the same model: a
/// draft pass with k queries at horizon n (p), then an oracle pass in which each query sees the draft tokens before it (q).
/// </summary>
/// <remarks>
/// The first draft token of a speculation step is always accepted: draft and oracle are the same conditional (n, n), which is not queried
/// again. So a step with one draft token needs no oracle pass, a longer one commits at least two tokens, and NFE never exceeds the number
/// of generated tokens (Theorem 1).
/// </remarks>
public sealed class AssdSampler : Sampler
{
    private readonly float[] _draft;
    private readonly float[] _residual;
    private readonly int[] _draftTokens;
    private readonly int _vocabularySize;
    private int _count;
    private bool _verifying;

    /// <inheritdoc />
    public AssdSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize)
        : base(order, tokens, options, vocabularySize, DraftLength(order, options))
    {
        int length = DraftLength(order, options);
        _vocabularySize = vocabularySize;
        _draft = new float[checked(length * vocabularySize)];
        _residual = new float[vocabularySize];
        _draftTokens = new int[length];
    }

    /// <inheritdoc />
    protected override void PrepareCore(IRandomSource random)
    {
        if (_verifying)
            PrepareOracle();
        else
            PrepareDraft();
    }

    /// <inheritdoc />
    protected override void ProcessLogitsCore(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (_verifying)
            Verify(random);
        else
            DrawDraftTokens(random);
    }

    private void PrepareDraft()
    {
        _count = Math.Min(_draftTokens.Length, Remaining);
        State.BeginForwardPass(Committed);
        for (int i = 0; i < _count; i++)
            State.AddQuery(new Conditional(Committed + i, Committed));
    }

    private void DrawDraftTokens(IRandomSource random)
    {
        for (int i = 0; i < _count; i++)
        {
            WriteDistribution(i, DraftDistribution(i));
            _draftTokens[i] = Probabilities.Sample(DraftDistribution(i), random.NextDouble());
            State.SetToken(Committed + i, _draftTokens[i]);
        }

        Drafted += _count;
        if (_count == 1)
        {
            CommitFirst();
            return;
        }

        _verifying = true;
    }

    private void PrepareOracle()
    {
        State.BeginForwardPass(Committed + _count - 1); // no query sees the last draft token
        for (int i = 1; i < _count; i++)
            State.AddQuery(new Conditional(Committed + i, Committed + i));
    }

    private void Verify(IRandomSource random)
    {
        _verifying = false;
        CommitFirst();
        for (int i = 1; i < _count; i++)
        {
            Span<float> oracle = Distribution(i - 1);
            int token = _draftTokens[i];
            if (RejectionSampling.Accepts(random.NextDouble(), DraftDistribution(i)[token], oracle[token]))
            {
                Accepted++;
                Commit(token, i - 1, oracle[token]);
                continue;
            }

            token = RejectionSampling.Replace(oracle, DraftDistribution(i), _residual, random.NextDouble());
            Commit(token, i - 1, oracle[token]);
            return;
        }
    }

    /// <summary>Commits the first draft token, which is drawn from its oracle.</summary>
    private void CommitFirst()
    {
        Accepted++;
        Commit(_draftTokens[0], 0, DraftDistribution(0)[_draftTokens[0]]);
    }

    private Span<float> DraftDistribution(int index) => _draft.AsSpan(index * _vocabularySize, _vocabularySize);
}
