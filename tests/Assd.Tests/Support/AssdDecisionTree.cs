namespace AsArm.Assd.Tests;

/// <summary>
/// All that Algorithm 1 can do, with probabilities: a proposal x is kept with mass min(p, q)(x), and the round ends with a
/// replacement y with mass max(q - p, 0)(y). Gives the exact output law and the exact E[NFE].
/// </summary>
internal sealed class AssdDecisionTree
{
    private readonly ReferenceConditionals _conditionals;
    private readonly int _draftLength;
    private readonly int[] _targets;

    public AssdDecisionTree(ReferenceConditionals conditionals, int draftLength)
    {
        _conditionals = conditionals;
        _draftLength = draftLength;
        _targets = new int[conditionals.TargetCount];
        Law = new double[Outcome.Count(conditionals.TargetCount, conditionals.VocabularySize)];
        Round(0, 1);
    }

    public double[] Law { get; }

    public double ExpectedNfe { get; private set; }

    private void Round(int decided, double probability)
    {
        if (decided == _targets.Length)
        {
            Law[Outcome.Index(_targets, _conditionals.VocabularySize)] += probability;
            return;
        }

        int count = Math.Min(_draftLength, _targets.Length - decided);
        ExpectedNfe += probability * (count == 1 ? 1 : 2);
        double[] draft = _conditionals.Law(decided, decided, _targets);
        for (int token = 0; token < draft.Length; token++)
        {
            if (draft[token] == 0)
                continue;
            _targets[decided] = token;
            Verify(decided, count, 1, probability * draft[token]);
        }
    }

    /// <param name="decided">Targets decided before this round.</param>
    /// <param name="count">Drafts of this round.</param>
    /// <param name="accepted">How many of them were accepted so far.</param>
    /// <param name="probability">Of having come here.</param>
    private void Verify(int decided, int count, int accepted, double probability)
    {
        int target = decided + accepted;
        if (accepted == count)
        {
            Round(target, probability);
            return;
        }

        // Looked up before the recursion overwrites the targets behind.
        double[] draft = _conditionals.Law(target, decided, _targets);
        double[] oracle = _conditionals.Law(target, target, _targets);
        for (int token = 0; token < draft.Length; token++)
        {
            double kept = Math.Min(draft[token], oracle[token]);
            double replaced = Math.Max(oracle[token] - draft[token], 0);
            _targets[target] = token;
            if (kept > 0)
                Verify(decided, count, accepted + 1, probability * kept);
            _targets[target] = token;
            if (replaced > 0)
                Round(target + 1, probability * replaced);
        }
    }
}
