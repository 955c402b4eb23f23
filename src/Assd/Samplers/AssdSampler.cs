using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Any-Subset Speculative Decoding (Guo &amp; Ermon 2025, Algorithm 1). A speculation step is two calls of the same model: a draft of k targets,
/// all seeing what is decided (p), then an oracle in which each sees the draft tokens before it (q).
/// </summary>
/// <remarks>
/// The first draft of a speculation step is accepted by construction: its oracle is the same conditional (n, n), so it is not asked again.
/// Hence a speculation step of one draft needs no oracle call, a longer round decides at least two tokens, and NFE never exceeds the number
/// of generated tokens.
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
        int rows = DraftLength(order, options);
        _vocabularySize = vocabularySize;
        _draft = new float[checked(rows * vocabularySize)];
        _residual = new float[vocabularySize];
        _draftTokens = new int[rows];
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
        State.BeginForwardPass(Committed + _count - 1); // nobody sees the last draft token
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

    /// <summary>Before any oracle row is read: the first draft is decided by its draft query.</summary>
    private void CommitFirst()
    {
        Accepted++;
        Commit(_draftTokens[0], 0, DraftDistribution(0)[_draftTokens[0]]);
    }

    private Span<float> DraftDistribution(int index) => _draft.AsSpan(index * _vocabularySize, _vocabularySize);
}
