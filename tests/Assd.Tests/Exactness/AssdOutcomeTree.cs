namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// All outcomes of Algorithm 1 with their probabilities: a draft token x is accepted with probability min(p, q)(x), and the speculation
/// step ends with a replacement y with probability max(q - p, 0)(y). Gives the exact output distribution and E[NFE].
/// </summary>
internal sealed class AssdOutcomeTree
{
    private readonly ReferenceConditionals _conditionals;
    private readonly int _draftLength;
    private readonly int[] _targets;

    public AssdOutcomeTree(ReferenceConditionals conditionals, int draftLength)
    {
        _conditionals = conditionals;
        _draftLength = draftLength;
        _targets = new int[conditionals.TargetCount];
        Distribution = new double[Outcome.Count(conditionals.TargetCount, conditionals.VocabularySize)];
        Step(0, 1);
    }

    public double[] Distribution { get; }

    public double ExpectedNfe { get; private set; }

    private void Step(int committed, double probability)
    {
        if (committed == _targets.Length)
        {
            Distribution[Outcome.Index(_targets, _conditionals.VocabularySize)] += probability;
            return;
        }

        int count = Math.Min(_draftLength, _targets.Length - committed);
        ExpectedNfe += probability * (count == 1 ? 1 : 2);
        double[] draft = _conditionals.Distribution(committed, committed, _targets);
        for (int token = 0; token < draft.Length; token++)
        {
            if (draft[token] == 0)
                continue;
            _targets[committed] = token;
            Verify(committed, count, 1, probability * draft[token]);
        }
    }

    /// <param name="committed">The number of targets committed before this speculation step.</param>
    /// <param name="count">The number of draft tokens of this speculation step.</param>
    /// <param name="accepted">The number of draft tokens accepted so far.</param>
    /// <param name="probability">The probability of this state.</param>
    private void Verify(int committed, int count, int accepted, double probability)
    {
        int target = committed + accepted;
        if (accepted == count)
        {
            Step(target, probability);
            return;
        }

        // Computed before the recursion overwrites later targets.
        double[] draft = _conditionals.Distribution(target, committed, _targets);
        double[] oracle = _conditionals.Distribution(target, target, _targets);
        for (int token = 0; token < draft.Length; token++)
        {
            double accept = Math.Min(draft[token], oracle[token]);
            double replace = Math.Max(oracle[token] - draft[token], 0);
            _targets[target] = token;
            if (accept > 0)
                Verify(committed, count, accepted + 1, probability * accept);
            _targets[target] = token;
            if (replace > 0)
                Step(target + 1, probability * replace);
        }
    }
}
