using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>Reference implementation of Algorithm 1 in float64, optionally with a flaw.</summary>
internal sealed class ReferenceSampler(ReferenceConditionals conditionals, int draftLength, Flaw flaw)
{
    /// <summary>Draws one sample: the tokens of the targets by rank.</summary>
    public int[] Run(IRandomSource random)
    {
        var targets = new int[conditionals.TargetCount];
        int committed = 0;
        while (committed < targets.Length)
            committed = Step(targets, committed, random);
        return targets;
    }

    private int Step(int[] targets, int committed, IRandomSource random)
    {
        int end = Math.Min(committed + draftLength, targets.Length);
        var drafts = new double[end][];
        for (int target = committed; target < end; target++)
        {
            drafts[target] = conditionals.Distribution(target, committed, targets);
            targets[target] = ReferenceMath.Sample(drafts[target], random.NextDouble());
        }

        for (int target = committed + 1; target < end; target++)
        {
            double[] draft = drafts[target];
            double[] oracle = conditionals.Distribution(target, target, targets);
            int token = targets[target];
            if (flaw == Flaw.AlwaysAccept || random.NextDouble() * draft[token] < oracle[token])
                continue;
            targets[target] = ReferenceMath.Sample(Replacement(draft, oracle), random.NextDouble());
            return target + 1;
        }

        return end;
    }

    private double[] Replacement(double[] draft, double[] oracle)
    {
        if (flaw == Flaw.ResidualNotSubtracted)
            return oracle;
        double[] residual = [.. oracle.Zip(draft, (q, p) => Math.Max(q - p, 0))];
        return residual.Any(weight => weight > 0) ? residual : oracle;
    }
}
