namespace AsArm.Assd.Tests;

/// <summary>Algorithm 1 once more, in a few float64 lines, right or with one flaw.</summary>
internal sealed class ReferenceSampler(ReferenceConditionals conditionals, int draftLength, Flaw flaw)
{
    /// <summary>One sample: the targets in the order.</summary>
    public int[] Run(ICoinSource coins)
    {
        var targets = new int[conditionals.TargetCount];
        int decided = 0;
        while (decided < targets.Length)
            decided = Round(targets, decided, coins);
        return targets;
    }

    private int Round(int[] targets, int decided, ICoinSource coins)
    {
        int end = Math.Min(decided + draftLength, targets.Length);
        var drafts = new double[end][];
        for (int target = decided; target < end; target++)
        {
            drafts[target] = conditionals.Law(target, decided, targets);
            targets[target] = ReferenceMath.Sample(drafts[target], coins.Toss());
        }

        for (int target = decided + 1; target < end; target++)
        {
            double[] draft = drafts[target];
            double[] oracle = conditionals.Law(target, target, targets);
            int token = targets[target];
            if (flaw == Flaw.AlwaysAccept || coins.Toss() * draft[token] < oracle[token])
                continue;
            targets[target] = ReferenceMath.Sample(Replacement(draft, oracle), coins.Toss());
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
