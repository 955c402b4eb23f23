using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers.Fused;

/// <summary>
/// Verification of the draft tokens of a speculation step. State.Row(i) is q of rank n+i, given the draft tokens before it.
/// </summary>
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
    /// Block verification (Sun et al. 2024). _prefix[i] is h_i = min(1, h_i-1 q/p~), and _stopProbability[i] is s_i. The paper
    /// draws a random number for every prefix and takes the longest that passes; going from the longest down needs fewer of them.
    /// </summary>
    private void VerifyBlock(IRandomSource random)
    {
        int start = Committed;
        int longest = ComputeStopProbabilities(start);
        int accepted = longest;
        while (accepted > 0 && !(random.NextDouble() < _stopProbability[accepted]))
            accepted--;
        for (int i = 0; i < accepted; i++)
            Accept(i, _draftTokens[i].Token, State.Row(i));
        if (accepted == _draftTokens.Count)
            CommitSample(accepted, State.Row(accepted), random);
        else
            Replace(accepted, start, State.Row(accepted), _prefix[accepted], random);
    }

    /// <summary>Fills _prefix and _stopProbability, and computes the distributions that they need.</summary>
    /// <returns>The length of the longest prefix with a positive probability.</returns>
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

    /// <summary>s_i = S / (S + 1 - h_i), with S the sum of max(h_i q - p~, 0) over the token of the next rank.</summary>
    private double StopProbability(int index, int start, ReadOnlySpan<float> oracle)
    {
        double prefix = _prefix[index];
        if (prefix == 1)
            return 1;
        double sum = _draftTokens.Residual(index, start + index, State, oracle, prefix, _residual);
        return sum / (sum + 1 - prefix);
    }

    /// <summary>q of a rank, computed in place of its logits; to be called once per rank, in ascending order.</summary>
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
