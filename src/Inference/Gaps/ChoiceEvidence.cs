using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Inference.Text;

namespace AsArm.Inference.Gaps;

/// <summary>
/// The probabilities of combinations of choices, without p(N) and not normalised: p(x | P, S, N), the joint one of the chosen tokens, with all that is known given and
/// other gaps unknown, is exact. Combinations with different numbers of tokens are compared by p(x, S | P, N) = p(x | P, S, N) p(S | P, N) besides, with the evidence
/// of the text S from the first choice to some tokens after the last found by Chib's identity from the best combination of each N, as in <see cref="LengthEvidence" />.
/// </summary>
/// <param name="texts">The text with each of the combinations; other gaps are given if they are filled.</param>
/// <param name="gaps">The indices of the gaps with choices.</param>
/// <param name="setting">What they are evaluated with.</param>
internal sealed class ChoiceEvidence(IReadOnlyList<InfillText> texts, int[] gaps, ChoiceSetting setting)
{
    /// <summary>The maximum number of combinations that several gaps are compared by.</summary>
    public const int MaxCombinations = 64;

    private static readonly SamplingOptions s_network = new(); // the text may have what no gap has

    private readonly double[][] _logs = new double[texts.Count][]; // by text: of the chosen tokens, by position
    private int[]? _unrestricted; // gaps of which a choice does not meet the restriction by the text before it
    private readonly double[] _evidence = new double[texts.Count];

    /// <summary>All combinations of one of several choices for each gap, as indices; the first gap varies slowest.</summary>
    /// <param name="counts">The number of choices of each gap.</param>
    public static int[][] Combinations(int[] counts)
    {
        int[][] combinations = [[]];
        foreach (int count in counts)
            combinations = [.. combinations.SelectMany(before => Enumerable.Range(0, count).Select(choice => (int[])[.. before, choice]))];
        return combinations;
    }

    /// <summary>The steps: all combinations, each in one forward pass; then, if they have different numbers of tokens, the evidence of the text.</summary>
    public IEnumerable<IReadOnlyList<SequenceTask>> Steps()
    {
        yield return [.. Enumerable.Range(0, texts.Count).Select(i => Evaluate(texts[i], texts[i].Given.Length, withText: false, DistributionOf(texts[i]), logs => _logs[i] = logs))];
        IGrouping<string, int>[] layouts = [.. Enumerable.Range(0, texts.Count).GroupBy(i => string.Join(',', PositionsOf(texts[i])))];
        if (layouts.Length == 1)
            yield break;
        var step = new List<SequenceTask>();
        foreach (int[] same in layouts.Select(layout => layout.ToArray()))
        {
            int most = same.MaxBy(i => _logs[i].Sum());
            if (double.IsNegativeInfinity(_logs[most].Sum()))
                continue; // none of them is possible
            InfillText best = texts[most];
            int end = EndOfSuffix(best);
            step.Add(Evaluate(best, end, withText: true, s_network, logs => Add(same, logs.Sum())));
            step.Add(Evaluate(best, end, withText: false, s_network, logs => Add(same, -logs.Sum())));
        }

        yield return step;
    }

    /// <summary>The logarithms of the probabilities.</summary>
    public double[] LogProbabilities() => [.. _logs.Zip(_evidence, (logs, evidence) => logs.Sum() + evidence)];

    /// <summary>The log-probabilities of the tokens of a combination, by gap.</summary>
    public double[][] LogProbabilitiesOf(int combination)
    {
        Range[] positions = PositionsOf(texts[combination]);
        int[] inOrder = Positions(positions);
        return [.. positions.Select(range => Positions([range]).Select(position => _logs[combination][Array.IndexOf(inOrder, position)]).ToArray())];
    }

    private void Add(int[] combinations, double log)
    {
        foreach (int combination in combinations)
            _evidence[combination] += log;
    }

    private Range[] PositionsOf(InfillText text)
    {
        Range[] all = text.TargetPositions;
        return [.. gaps.Select(gap => all[gap])];
    }

    private static int[] Positions(Range[] ranges) =>
        [.. ranges.SelectMany(range => Enumerable.Range(range.Start.Value, range.End.Value - range.Start.Value)).Order()];

    /// <summary>
    /// That of the model with the restrictions of first tokens by the text before them, as scores of spans have it. Where a choice of a gap does not meet its
    /// restriction, none of its choices has it, as they would not be comparable.
    /// </summary>
    private SamplingOptions DistributionOf(InfillText text)
    {
        _unrestricted ??= [.. gaps.Where(gap => texts.Any(one => IsRestricted(one, StartOf(one, gap))))];
        int[] starts = [.. _unrestricted.Select(gap => StartOf(text, gap))];
        return setting.Distribution with { BannedTokensAt = text.BannedAt.Where(entry => !starts.Contains(entry.Key)).ToDictionary() };
    }

    private static int StartOf(InfillText text, int gap) => text.TargetPositions[gap].Start.Value;

    private static bool IsRestricted(InfillText text, int position) => text.BannedAt.TryGetValue(position, out TokenSet? banned) && banned.Contains(text.Tokens[position]);

    /// <summary>Evaluates the chosen tokens, or these and all text after the first of them, given what else is known; what is not known stays so.</summary>
    private SequenceTask Evaluate(InfillText text, int length, bool withText, SamplingOptions options, Action<double[]> end)
    {
        bool[] known = text.Given;
        int[] chosen = Positions(PositionsOf(text));
        int[] targets = withText ? [.. Enumerable.Range(chosen[0], length - chosen[0]).Where(position => known[position])] : chosen;
        var isTarget = new HashSet<int>(targets);
        int[] given = [.. Enumerable.Range(0, length).Where(position => known[position] && !isTarget.Contains(position))];
        int[] unknown = [.. Enumerable.Range(0, length).Where(position => !known[position])];
        return SequenceTask.LogProbabilities(Order.FromPositions([.. given, .. targets, .. unknown], given.Length), text.Tokens[..length], options, setting.VocabularySize, targets.Length, end);
    }

    /// <summary>The position after as many known tokens after the choices as are looked at, or the next gap.</summary>
    private int EndOfSuffix(InfillText text)
    {
        int end = PositionsOf(text).Max(range => range.End.Value), last = end;
        while (last < text.Given.Length && last < end + setting.SuffixTokens && text.Given[last])
            last++;
        return last;
    }
}
