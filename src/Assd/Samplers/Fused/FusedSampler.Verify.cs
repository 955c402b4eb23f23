using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers.Fused;

/// <summary>The tests of a speculation step's draft tokens. Call.Row(i) is q of rank n+i, seeing the draft tokens before it.</summary>
public sealed partial class FusedSampler
{
    private readonly VerificationMethod _verification;
    private readonly double[] _residual;
    private readonly double[] _prefix;
    private readonly double[] _stopProbability;

    private void VerifyTokens(IRandomSource random)
    {
        int start = Committed;
        for (int i = 0; i < _draftTokens.Count; i++)
        {
            ReadOnlySpan<float> oracle = OracleDistribution(i);
            int token = _draftTokens[i].Token;
            if (!RejectionSampling.Accepts(random.NextDouble(), _draftTokens[i].Probability, oracle[token]))
            {
                Replace(i, start, oracle, 1, random);
                return;
            }

            Accept(i, token, oracle);
        }

        CommitSample(_draftTokens.Count, OracleDistribution(_draftTokens.Count), random);
    }

    /// <summary>
    /// Block verification. _prefix[i] is the probability that prefix i can be kept, min(1, _prefix[i-1] q/p). Whether the speculation step stops
    /// exactly there is drawn from the longest prefix down, which has the distribution of the paper's tosses from the shortest up.
    /// </summary>
    private void VerifyBlock(IRandomSource random)
    {
        int start = Committed;
        int longest = ComputeStopProbabilities(start);
        int kept = longest;
        while (kept > 0 && !(random.NextDouble() < _stopProbability[kept]))
            kept--;
        for (int i = 0; i < kept; i++)
            Accept(i, _draftTokens[i].Token, State.Row(i));
        if (kept == _draftTokens.Count)
            CommitSample(kept, State.Row(kept), random);
        else
            Replace(kept, start, State.Row(kept), _prefix[kept], random);
    }

    /// <summary>Fills _prefix and _stopProbability, and turns the rows they need into distributions.</summary>
    /// <returns>The longest prefix with any chance.</returns>
    private int ComputeStopProbabilities(int start)
    {
        _prefix[0] = 1;
        for (int i = 0; ; i++)
        {
            ReadOnlySpan<float> oracle = OracleDistribution(i);
            if (i == _draftTokens.Count)
            {
                _stopProbability[i] = _prefix[i];
                return i;
            }

            _stopProbability[i] = StopProbability(i, start, oracle);
            _prefix[i + 1] = Math.Min(1, _prefix[i] * oracle[_draftTokens[i].Token] / _draftTokens[i].Probability);
            if (!(_prefix[i + 1] > 0))
                return i;
        }
    }

    /// <summary>With S = sum of max(kept q - p~, 0) over the next token: S / (S + 1 - kept).</summary>
    private double StopProbability(int index, int start, ReadOnlySpan<float> oracle)
    {
        double kept = _prefix[index];
        if (kept == 1)
            return 1;
        double sum = _draftTokens.Residual(index, start + index, State, oracle, kept, _residual);
        return sum / (sum + 1 - kept);
    }

    /// <summary>q of the next rank; to be called for one after another.</summary>
    private ReadOnlySpan<float> OracleDistribution(int index)
    {
        _distributionCount = index + 1;
        return Distribution(index);
    }

    private void Accept(int row, int token, ReadOnlySpan<float> oracle)
    {
        Accepted++;
        Commit(token, row, oracle[token]);
    }

    private void Replace(int index, int start, ReadOnlySpan<float> oracle, double scale, IRandomSource random)
    {
        double sum = _draftTokens.Residual(index, start + index, State, oracle, scale, _residual);
        int token = RejectionSampling.SampleResidual(_residual, sum, oracle, random.NextDouble());
        Commit(token, index, oracle[token]);
    }
}
