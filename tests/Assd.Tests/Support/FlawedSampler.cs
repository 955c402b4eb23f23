namespace AsArm.Assd.Tests;

/// <summary>
/// A small fused sampler without bonus rows or plans, to show that the enumeration notices what must never be done. Proposals are
/// drawn independently from fixed distributions, one for each position.
/// </summary>
internal sealed class FlawedSampler : Sampler
{
    private readonly DraftFlaw _flaw;
    private readonly double[][] _drafts;
    private readonly int[] _proposals;
    private readonly int _draftLength;
    private int _fresh;
    private int _count;
    private bool _drawn;

    /// <param name="order">The order.</param>
    /// <param name="tokens">[N].</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="draftLength">k.</param>
    /// <param name="flaw">What is wrong.</param>
    public FlawedSampler(Order order, int[] tokens, int vocabularySize, int draftLength, DraftFlaw flaw)
        : base(order, tokens, new(), vocabularySize, draftLength)
    {
        _flaw = flaw;
        _draftLength = draftLength;
        _proposals = new int[order.Length];
        var coins = new SeededCoins(5);
        _drafts = [.. Enumerable.Range(0, order.Length).Select(_ => ReferenceMath.Softmax([.. Enumerable.Range(0, vocabularySize).Select(_ => coins.NextGaussian())]))];
        _fresh = order.GivenCount;
    }

    protected override void PlanCall(ICoinSource coins)
    {
        _count = Math.Min(_draftLength, Remaining);
        for (; !_drawn && _fresh < Decided + _count; _fresh++)
        {
            _proposals[_fresh] = ReferenceMath.Sample(_drafts[_fresh], coins.Toss());
            Call.SetToken(_fresh, _proposals[_fresh]);
            Drafted++;
        }

        _drawn = true;
        for (int i = 0; i < _count; i++)
            Call.SetToken(Decided + i, _proposals[Decided + i]);
        Call.Begin(Decided + _count - 1);
        for (int i = 0; i < _count; i++)
            Call.Ask(new Conditional(Decided + i, Decided + i));
    }

    protected override void TakeLogits(ICoinSource coins)
    {
        _drawn = false;
        float[][] oracles = [.. Enumerable.Range(0, _count).Select(i => Law(i).ToArray())];
        int start = Decided;
        int count = _flaw == DraftFlaw.PlanLooksAtTheToken && _proposals[start] == 0 ? 0 : _count;
        if (_flaw is DraftFlaw.Block or DraftFlaw.BlockReuse)
            VerifyTogether(oracles, start, coins);
        else
            VerifyEach(oracles, start, count, coins);
        if (_flaw is not (DraftFlaw.TokenWiseReuse or DraftFlaw.BlockReuse) || _fresh < Decided)
            _fresh = Decided;
    }

    private void VerifyEach(float[][] oracles, int start, int count, ICoinSource coins)
    {
        for (int i = 0; i < count; i++)
        {
            int token = _proposals[start + i];
            double[] draft = _drafts[_flaw == DraftFlaw.OtherDistribution ? 0 : start + i];
            if (coins.Toss() * draft[token] >= oracles[i][token])
            {
                Draw(oracles[i], 1, draft, coins);
                return;
            }

            Accepted++;
            Decide(token, i, oracles[i][token]);
        }

        if (count == 0)
            Draw(oracles[0], 1, new double[oracles[0].Length], coins);
    }

    private void VerifyTogether(float[][] oracles, int start, ICoinSource coins)
    {
        var kept = new double[_count + 1];
        kept[0] = 1;
        for (int i = 0; i < _count; i++)
            kept[i + 1] = Math.Min(1, kept[i] * oracles[i][_proposals[start + i]] / _drafts[start + i][_proposals[start + i]]);
        int longest = _count;
        while (longest > 0 && coins.Toss() >= Stop(oracles, start, longest, kept[longest]))
            longest--;
        for (int i = 0; i < longest; i++)
        {
            Accepted++;
            Decide(_proposals[start + i], i, oracles[i][_proposals[start + i]]);
        }

        if (longest < _count)
            Draw(oracles[longest], kept[longest], _drafts[start + longest], coins);
    }

    private double Stop(float[][] oracles, int start, int index, double kept)
    {
        if (index == _count || kept is 0 or 1)
            return kept;
        double sum = oracles[index].Zip(_drafts[start + index], (q, p) => Math.Max(kept * q - p, 0)).Sum();
        return sum / (sum + 1 - kept);
    }

    private void Draw(float[] oracle, double scale, double[] draft, ICoinSource coins)
    {
        double[] residual = [.. oracle.Zip(draft, (q, p) => Math.Max(scale * q - p, 0))];
        int token = ReferenceMath.Sample(residual, coins.Toss());
        Decide(token, 0, Math.Max(oracle[token], float.Epsilon));
    }
}
