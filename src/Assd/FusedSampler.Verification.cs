namespace AsArm.Assd;

/// <summary>The tests of a round's proposals. Call.Row(i) is q of rank n+i, seeing the proposals before it.</summary>
public sealed partial class FusedSampler
{
    private readonly Verification _verification;
    private readonly double[] _residual;
    private readonly double[] _kept;
    private readonly double[] _stop;

    private void VerifyEach(ICoinSource coins)
    {
        int start = Decided;
        for (int i = 0; i < _proposals.Count; i++)
        {
            ReadOnlySpan<float> oracle = OracleLaw(i);
            int token = _proposals[i].Token;
            if (!RejectionSampling.Accepts(coins.Toss(), _proposals[i].Probability, oracle[token]))
            {
                Replace(i, start, oracle, 1, coins);
                return;
            }

            Keep(i, token, oracle);
        }

        Bonus(_proposals.Count, OracleLaw(_proposals.Count), coins);
    }

    /// <summary>
    /// Block verification. _kept[i] is the probability that prefix i can be kept, min(1, _kept[i-1] q/p). Whether the round stops
    /// exactly there is tossed from the longest prefix down, which has the law of the paper's tosses from the shortest up.
    /// </summary>
    private void VerifyTogether(ICoinSource coins)
    {
        int start = Decided;
        int longest = KeepChances(start);
        int kept = longest;
        while (kept > 0 && !(coins.Toss() < _stop[kept]))
            kept--;
        for (int i = 0; i < kept; i++)
            Keep(i, _proposals[i].Token, Call.Row(i));
        if (kept == _proposals.Count)
            Bonus(kept, Call.Row(kept), coins);
        else
            Replace(kept, start, Call.Row(kept), _kept[kept], coins);
    }

    /// <summary>Fills _kept and _stop, and turns the rows they need into laws.</summary>
    /// <returns>The longest prefix with any chance.</returns>
    private int KeepChances(int start)
    {
        _kept[0] = 1;
        for (int i = 0; ; i++)
        {
            ReadOnlySpan<float> oracle = OracleLaw(i);
            if (i == _proposals.Count)
            {
                _stop[i] = _kept[i];
                return i;
            }

            _stop[i] = StopChance(i, start, oracle);
            _kept[i + 1] = Math.Min(1, _kept[i] * oracle[_proposals[i].Token] / _proposals[i].Probability);
            if (!(_kept[i + 1] > 0))
                return i;
        }
    }

    /// <summary>With S = sum of max(kept q - p~, 0) over the next token: S / (S + 1 - kept).</summary>
    private double StopChance(int index, int start, ReadOnlySpan<float> oracle)
    {
        double kept = _kept[index];
        if (kept == 1)
            return 1;
        double sum = _proposals.Residual(index, start + index, Call, oracle, kept, _residual);
        return sum / (sum + 1 - kept);
    }

    /// <summary>q of the next rank; to be called for one after another.</summary>
    private ReadOnlySpan<float> OracleLaw(int index)
    {
        _lawCount = index + 1;
        return Law(index);
    }

    private void Keep(int row, int token, ReadOnlySpan<float> oracle)
    {
        Accepted++;
        Decide(token, row, oracle[token]);
    }

    private void Bonus(int row, ReadOnlySpan<float> oracle, ICoinSource coins)
    {
        int token = Probabilities.Sample(oracle, coins.Toss());
        Decide(token, row, oracle[token]);
    }

    private void Replace(int index, int start, ReadOnlySpan<float> oracle, double scale, ICoinSource coins)
    {
        double sum = _proposals.Residual(index, start + index, Call, oracle, scale, _residual);
        // p = q up to rounding leaves nothing; a rejection there has a probability of the size of that rounding.
        double coin = coins.Toss();
        int token = sum > 0 ? DoubleWeights.Sample(_residual, coin * sum) : Probabilities.Sample(oracle, coin);
        Decide(token, index, oracle[token]);
    }
}
