namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// All that Algorithm 1 can do, with probabilities: a draft token x is kept with mass min(p, q)(x), and the speculation step ends with a
/// replacement y with mass max(q - p, 0)(y). Gives the exact output distribution and the exact E[NFE].
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
        Round(0, 1);
    }

    public double[] Distribution { get; }

    public double ExpectedNfe { get; private set; }

    private void Round(int committed, double probability)
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

    /// <param name="committed">Targets decided before this speculation step.</param>
    /// <param name="count">Drafts of this speculation step.</param>
    /// <param name="accepted">How many of them were accepted so far.</param>
    /// <param name="probability">Of having come here.</param>
    private void Verify(int committed, int count, int accepted, double probability)
    {
        int target = committed + accepted;
        if (accepted == count)
        {
            Round(target, probability);
            return;
        }

        // Looked up before the recursion overwrites the targets behind.
        double[] draft = _conditionals.Distribution(target, committed, _targets);
        double[] oracle = _conditionals.Distribution(target, target, _targets);
        for (int token = 0; token < draft.Length; token++)
        {
            double kept = Math.Min(draft[token], oracle[token]);
            double replaced = Math.Max(oracle[token] - draft[token], 0);
            _targets[target] = token;
            if (kept > 0)
                Verify(committed, count, accepted + 1, probability * kept);
            _targets[target] = token;
            if (replaced > 0)
                Round(target + 1, probability * replaced);
        }
    }
}
