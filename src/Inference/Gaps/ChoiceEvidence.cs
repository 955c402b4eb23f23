using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Inference.Text;

namespace AsArm.Inference.Gaps;

/// <summary>
/// The probabilities of combinations of choices. If all have the same numbers of tokens: log p(x | P, S), exact, with everything else that is known given and other
/// gaps unknown. If not: log p(x, S | P, N), with P the text before the first choice and S what is known from there to some tokens after the last.
/// </summary>
internal sealed class ChoiceEvidence
{
    /// <summary>The maximum number of combinations that several gaps are compared by.</summary>
    public const int MaxCombinations = 64;

    private readonly IReadOnlyList<InfillText> _texts;
    private readonly bool _isExact;
    private readonly ChoiceSetting _setting;
    private readonly double[][] _logs; // by text: of the evaluated targets

    /// <param name="texts">The text with each of the combinations; other gaps are given if they are filled.</param>
    /// <param name="gaps">The indices of the gaps with choices.</param>
    /// <param name="isExact">Whether the combinations have the same numbers of tokens.</param>
    /// <param name="setting">What they are evaluated with.</param>
    public ChoiceEvidence(IReadOnlyList<InfillText> texts, int[] gaps, bool isExact, ChoiceSetting setting)
    {
        (_texts, Gaps, _isExact, _setting) = (texts, gaps, isExact, setting);
        _logs = new double[texts.Count][];
    }

    /// <summary>The indices of the gaps with choices.</summary>
    public int[] Gaps { get; }

    /// <summary>All combinations of one of several choices for each gap, as indices; the first gap varies slowest.</summary>
    /// <param name="counts">The number of choices of each gap.</param>
    public static int[][] Combinations(int[] counts)
    {
        int[][] combinations = [[]];
        foreach (int count in counts)
            combinations = [.. combinations.SelectMany(before => Enumerable.Range(0, count).Select(choice => (int[])[.. before, choice]))];
        return combinations;
    }

    /// <summary>The sequences to evaluate, one for each combination, each in one forward pass.</summary>
    public IReadOnlyList<SequenceTask> Step() => [.. Enumerable.Range(0, _texts.Count).Select(Evaluate)];

    /// <summary>The logarithms of the probabilities, without p(N) and not normalised.</summary>
    public double[] LogProbabilities() => [.. _logs.Select(logs => logs.Sum())];

    /// <summary>The log-probabilities of the tokens of a combination, gap by gap in the order of their indices; of exact ones only.</summary>
    public double[][] LogProbabilitiesOf(int combination)
    {
        Range[] positions = PositionsOf(_texts[combination]);
        int[] inOrder = [.. Targets(_texts[combination], positions)];
        return [.. positions.Select(range => Enumerable.Range(range.Start.Value, range.End.Value - range.Start.Value)
            .Select(position => _logs[combination][Array.IndexOf(inOrder, position)]).ToArray())];
    }

    private Range[] PositionsOf(InfillText text)
    {
        Range[] all = text.TargetPositions;
        return [.. Gaps.Select(gap => all[gap])];
    }

    private static IEnumerable<int> Targets(InfillText text, Range[] choices) =>
        Enumerable.Range(0, text.Given.Length).Where(position => Array.Exists(choices, range => position >= range.Start.Value && position < range.End.Value));

    private SequenceTask Evaluate(int index)
    {
        InfillText text = _texts[index];
        (bool[] known, Range[] choices) = (text.Given, PositionsOf(text));
        int start = choices.Min(range => range.Start.Value), end = choices.Max(range => range.End.Value);
        int length = _isExact ? known.Length : EndOfSuffix(known, end);
        int[] targets = [.. Targets(text, choices)];
        if (!_isExact)
            targets = [.. Enumerable.Range(start, length - start).Where(position => known[position])];
        var isTarget = new HashSet<int>(targets);
        int[] given = [.. Enumerable.Range(0, length).Where(position => known[position] && !isTarget.Contains(position))];
        int[] unknown = [.. Enumerable.Range(0, length).Where(position => !known[position])];
        var options = _isExact ? new SamplingOptions { BannedTokens = _setting.Banned } : new SamplingOptions();
        return SequenceTask.LogProbabilities(
            Order.FromPositions([.. given, .. targets, .. unknown], given.Length), text.Tokens[..length], options, _setting.VocabularySize, targets.Length, logs => _logs[index] = logs);
    }

    /// <summary>The position after as many known tokens after the choices as are looked at; the text ends for it with the first gap after them.</summary>
    private int EndOfSuffix(bool[] known, int end)
    {
        int last = end;
        while (last < known.Length && last < end + _setting.SuffixTokens && known[last])
            last++;
        return last;
    }
}
