using AsArm.Assd.DraftHeads;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// A small fused sampler without bonus queries or draft policies, as a control of the enumeration: some of its variants are wrong. Draft
/// tokens are drawn from fixed distributions, one for each rank, which a draft head corrects by the token before in some variants.
/// </summary>
internal sealed class FlawedSampler : Sampler
{
    private readonly DraftFlaw _flaw;
    private readonly double[][] _rows;
    private readonly double[][] _drafts;
    private readonly DraftHeadWeights? _head;
    private readonly int[] _draftTokens;
    private readonly int _draftLength;
    private int _draftedEnd; // ranks below have a token, committed or drafted
    private int _count;
    private bool _isDrafted;

    /// <param name="order">The order.</param>
    /// <param name="tokens">[N].</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="draftLength">k.</param>
    /// <param name="flaw">The variant.</param>
    public FlawedSampler(Order order, int[] tokens, int vocabularySize, int draftLength, DraftFlaw flaw)
        : base(order, tokens, new(), vocabularySize, draftLength)
    {
        _flaw = flaw;
        _draftLength = draftLength;
        _draftTokens = new int[order.Length];
        var random = new SplitMix64(5);
        _rows = [.. Enumerable.Range(0, order.Length).Select(_ => ReferenceMath.Softmax([.. Enumerable.Range(0, vocabularySize).Select(_ => random.NextGaussian())]))];
        _drafts = [.. _rows];
        if (flaw is DraftFlaw.Head or DraftFlaw.HeadVerifiedAsItsRow)
            _head = RandomHead.Weights(vocabularySize, 1);
        _draftedEnd = order.GivenCount;
    }

    protected override void PrepareCore(IRandomSource random)
    {
        _count = Math.Min(_draftLength, Remaining);
        for (; !_isDrafted && _draftedEnd < Committed + _count; _draftedEnd++)
        {
            _drafts[_draftedEnd] = CreateDraft(_draftedEnd);
            _draftTokens[_draftedEnd] = ReferenceMath.Sample(_drafts[_draftedEnd], random.NextDouble());
            if (_flaw == DraftFlaw.HeadVerifiedAsItsRow)
                _drafts[_draftedEnd] = _rows[_draftedEnd];
            State.SetToken(_draftedEnd, _draftTokens[_draftedEnd]);
            Drafted++;
        }

        _isDrafted = true;
        for (int i = 0; i < _count; i++)
            State.SetToken(Committed + i, _draftTokens[Committed + i]);
        State.BeginForwardPass(Committed + _count - 1);
        for (int i = 0; i < _count; i++)
            State.AddQuery(new Conditional(Committed + i, Committed + i));
    }

    protected override void ProcessLogitsCore(IRandomSource random)
    {
        _isDrafted = false;
        float[][] oracles = [.. Enumerable.Range(0, _count).Select(i => Distribution(i).ToArray())];
        int start = Committed;
        int count = _flaw == DraftFlaw.PolicyLooksAtTheToken && _draftTokens[start] == 0 ? 0 : _count;
        if (_flaw is DraftFlaw.Block or DraftFlaw.BlockReuse)
            VerifyBlock(oracles, start, random);
        else
            VerifyTokens(oracles, start, count, random);
        if (_flaw is not (DraftFlaw.TokenWiseReuse or DraftFlaw.BlockReuse) || _draftedEnd < Committed)
            _draftedEnd = Committed;
    }

    private double[] CreateDraft(int rank) =>
        _head is null ? _rows[rank] : ReferenceHead.Draft(_head, _rows[rank], [0.5f], [rank == 0 ? -1 : _draftTokens[rank - 1], -1, -1]);

    private void VerifyTokens(float[][] oracles, int start, int count, IRandomSource random)
    {
        for (int i = 0; i < count; i++)
        {
            int token = _draftTokens[start + i];
            double[] draft = _drafts[_flaw == DraftFlaw.OtherDistribution ? 0 : start + i];
            if (random.NextDouble() * draft[token] >= oracles[i][token])
            {
                Draw(oracles[i], 1, draft, random);
                return;
            }

            Accepted++;
            Commit(token, i, oracles[i][token]);
        }

        if (count == 0)
            Draw(oracles[0], 1, new double[oracles[0].Length], random);
    }

    private void VerifyBlock(float[][] oracles, int start, IRandomSource random)
    {
        var prefix = new double[_count + 1];
        prefix[0] = 1;
        for (int i = 0; i < _count; i++)
            prefix[i + 1] = Math.Min(1, prefix[i] * oracles[i][_draftTokens[start + i]] / _drafts[start + i][_draftTokens[start + i]]);
        int accepted = _count;
        while (accepted > 0 && random.NextDouble() >= StopProbability(oracles, start, accepted, prefix[accepted]))
            accepted--;
        for (int i = 0; i < accepted; i++)
        {
            Accepted++;
            Commit(_draftTokens[start + i], i, oracles[i][_draftTokens[start + i]]);
        }

        if (accepted < _count)
            Draw(oracles[accepted], prefix[accepted], _drafts[start + accepted], random);
    }

    private double StopProbability(float[][] oracles, int start, int index, double prefix)
    {
        if (index == _count || prefix is 0 or 1)
            return prefix;
        double sum = oracles[index].Zip(_drafts[start + index], (q, p) => Math.Max(prefix * q - p, 0)).Sum();
        return sum / (sum + 1 - prefix);
    }

    private void Draw(float[] oracle, double scale, double[] draft, IRandomSource random)
    {
        double[] residual = [.. oracle.Zip(draft, (q, p) => Math.Max(scale * q - p, 0))];
        int token = ReferenceMath.Sample(residual, random.NextDouble());
        Commit(token, 0, Math.Max(oracle[token], float.Epsilon));
    }
}
