using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// A small fused sampler without bonus rows or plans, to show that the enumeration notices what must never be done. Draft tokens are
/// drawn independently from fixed distributions, one for each position.
/// </summary>
internal sealed class FlawedSampler : Sampler
{
    private readonly DraftFlaw _flaw;
    private readonly double[][] _drafts;
    private readonly int[] _draftTokens;
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
        _draftTokens = new int[order.Length];
        var random = new SplitMix64(5);
        _drafts = [.. Enumerable.Range(0, order.Length).Select(_ => ReferenceMath.Softmax([.. Enumerable.Range(0, vocabularySize).Select(_ => random.NextGaussian())]))];
        _fresh = order.GivenCount;
    }

    protected override void PrepareCore(IRandomSource random)
    {
        _count = Math.Min(_draftLength, Remaining);
        for (; !_drawn && _fresh < Committed + _count; _fresh++)
        {
            _draftTokens[_fresh] = ReferenceMath.Sample(_drafts[_fresh], random.NextDouble());
            State.SetToken(_fresh, _draftTokens[_fresh]);
            Drafted++;
        }

        _drawn = true;
        for (int i = 0; i < _count; i++)
            State.SetToken(Committed + i, _draftTokens[Committed + i]);
        State.BeginForwardPass(Committed + _count - 1);
        for (int i = 0; i < _count; i++)
            State.AddQuery(new Conditional(Committed + i, Committed + i));
    }

    protected override void ProcessLogitsCore(IRandomSource random)
    {
        _drawn = false;
        float[][] oracles = [.. Enumerable.Range(0, _count).Select(i => Distribution(i).ToArray())];
        int start = Committed;
        int count = _flaw == DraftFlaw.PolicyLooksAtTheToken && _draftTokens[start] == 0 ? 0 : _count;
        if (_flaw is DraftFlaw.Block or DraftFlaw.BlockReuse)
            VerifyTogether(oracles, start, random);
        else
            VerifyEach(oracles, start, count, random);
        if (_flaw is not (DraftFlaw.TokenWiseReuse or DraftFlaw.BlockReuse) || _fresh < Committed)
            _fresh = Committed;
    }

    private void VerifyEach(float[][] oracles, int start, int count, IRandomSource random)
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

    private void VerifyTogether(float[][] oracles, int start, IRandomSource random)
    {
        var kept = new double[_count + 1];
        kept[0] = 1;
        for (int i = 0; i < _count; i++)
            kept[i + 1] = Math.Min(1, kept[i] * oracles[i][_draftTokens[start + i]] / _drafts[start + i][_draftTokens[start + i]]);
        int longest = _count;
        while (longest > 0 && random.NextDouble() >= Stop(oracles, start, longest, kept[longest]))
            longest--;
        for (int i = 0; i < longest; i++)
        {
            Accepted++;
            Commit(_draftTokens[start + i], i, oracles[i][_draftTokens[start + i]]);
        }

        if (longest < _count)
            Draw(oracles[longest], kept[longest], _drafts[start + longest], random);
    }

    private double Stop(float[][] oracles, int start, int index, double kept)
    {
        if (index == _count || kept is 0 or 1)
            return kept;
        double sum = oracles[index].Zip(_drafts[start + index], (q, p) => Math.Max(kept * q - p, 0)).Sum();
        return sum / (sum + 1 - kept);
    }

    private void Draw(float[] oracle, double scale, double[] draft, IRandomSource random)
    {
        double[] residual = [.. oracle.Zip(draft, (q, p) => Math.Max(scale * q - p, 0))];
        int token = ReferenceMath.Sample(residual, random.NextDouble());
        Commit(token, 0, Math.Max(oracle[token], float.Epsilon));
    }
}
