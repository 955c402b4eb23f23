using AsArm.Assd.Constraints;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;

namespace AsArm.Assd.Tests.Constraints;

/// <summary>A constraint by a function of the earlier targets, by rank; null allows all tokens.</summary>
internal sealed class TestConstraint(int vocabularySize, Func<int[], int[]?> allowed) : ISequenceConstraint
{
    /// <summary>The tokens that may come after some targets.</summary>
    public int[] Allowed(int[] targets) => allowed(targets) ?? [.. Enumerable.Range(0, vocabularySize)];

    public TokenMask? AllowedTokens(SequenceState state, int rank)
    {
        var targets = new int[rank - state.Order.GivenCount];
        for (int i = 0; i < targets.Length; i++)
            targets[i] = state.Tokens[state.Order.Positions[state.Order.GivenCount + i]];
        return allowed(targets) is int[] tokens ? new TokenMask(vocabularySize, tokens) : null;
    }

    /// <summary>[V^targets] a distribution given the constraint, and its probability.</summary>
    public (double[] Distribution, double Probability) Condition(double[] joint, int targets)
    {
        double[] conditional = [.. joint.Select((probability, index) => IsMet(index, targets) ? probability : 0)];
        double sum = conditional.Sum();
        return ([.. conditional.Select(probability => probability / sum)], sum);
    }

    /// <summary>The tokens of an outcome, by rank.</summary>
    public int[] TargetsOf(int index, int targets)
    {
        var tokens = new int[targets];
        for (int i = targets - 1; i >= 0; i--, index /= vocabularySize)
            tokens[i] = index % vocabularySize;
        return tokens;
    }

    private bool IsMet(int index, int targets)
    {
        int[] tokens = TargetsOf(index, targets);
        return Enumerable.Range(0, targets).All(i => Allowed(tokens[..i]).Contains(tokens[i]));
    }
}
