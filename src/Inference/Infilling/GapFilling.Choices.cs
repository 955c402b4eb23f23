using AsArm.Assd.Distributions;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>
/// Choices, which are made before anything else is filled: several of them jointly, as long as there are not too many combinations, and then from left to right.
/// </content>
internal sealed partial class GapFilling
{
    private const int MaxCombinations = 1_024; // of all choices of a text: each is a pass over the text
    private const int ChoicesOfAStep = 16; // so that other requests get their turn, and memory is bounded

    private IEnumerable<IReadOnlyList<SequenceTask>> Choose()
    {
        ChoiceGroup[] groups = [.. _gaps.Where(gap => gap.Known.Choices.Count > 0).Select(NamesakesOf).DistinctBy(group => group[0]).Select(ChoiceGroup.Of)];
        ChoiceGroup[][] joint = [.. Together(groups)];
        long combinations = joint.Sum(some => some.Aggregate(1L, (product, group) => product * group.Choices.Length));
        if (combinations > MaxCombinations)
            throw new InfillTextException($"The choices of the text are {combinations} combinations to compare, at most {MaxCombinations} are supported.");
        foreach (ChoiceGroup[] some in joint)
        {
            foreach (IReadOnlyList<SequenceTask> step in Choose(some))
                yield return step;
        }
    }

    /// <summary>The groups that are compared jointly.</summary>
    private static IEnumerable<ChoiceGroup[]> Together(ChoiceGroup[] groups)
    {
        for (int first = 0, end; first < groups.Length; first = end)
        {
            int combinations = groups[first].Choices.Length;
            for (end = first + 1; end < groups.Length && combinations * groups[end].Choices.Length <= ChoiceEvidence.MaxCombinations; end++)
                combinations *= groups[end].Choices.Length;
            yield return groups[first..end];
        }
    }

    private IEnumerable<IReadOnlyList<SequenceTask>> Choose(ChoiceGroup[] groups)
    {
        _conditionedUnits++;
        bool isExact = Array.TrueForAll(_gaps, gap => gap.IsResolved || gap.Known.Choices.Count > 0);
        bool hasOneLength = Array.TrueForAll(groups, group => group.HasOneLength);
        int[][] combinations = ChoiceEvidence.Combinations([.. groups.Select(group => group.Choices.Length)]);
        int[] gaps = [.. groups.SelectMany(group => group.Gaps).Select(gap => Array.IndexOf(_gaps, gap))];
        var setting = new ChoiceSetting(new SamplingOptions { BannedTokens = _options.BannedTokens, LogitBias = _options.LogitBias }, _setting.Manifest.VocabularySize, _options.Lengths.SuffixTokens);
        var evidence = new ChoiceEvidence([.. combinations.Select(combination => WithChoices(groups, combination))], gaps, setting);
        foreach (SequenceTask[] some in evidence.Steps().SelectMany(step => step.Chunk(ChoicesOfAStep)))
            yield return some;
        double[] logs = evidence.LogProbabilities();
        if (!hasOneLength)
        {
            Dictionary<int, double>[] priors = [.. groups.Select(LogPriorOf)]; // of a gap with one length it is the same for all
            logs = [.. logs.Zip(combinations, (log, combination) => log + groups.Select((group, i) => priors[i][group.Choices[combination[i]][0].Tokens.Length]).Sum())];
        }

        if (Array.TrueForAll(logs, double.IsNegativeInfinity))
            throw new InfillTextException($"None of the choices of {string.Join(" and ", groups.Select(group => GapSupport.Shown(group.Gaps[0].Specification)))} is possible: their tokens are banned.");
        int chosen = Draw(_options.IsGreedy ? LogWeights.Normalise(logs) : LogWeights.Normalise([.. logs.Select(log => log / _options.Temperature)]));
        Commit(groups, combinations, LogWeights.Normalise(logs), combinations[chosen], hasOneLength && isExact);
        foreach ((int gap, double[] own) in gaps.Zip(evidence.LogProbabilitiesOf(chosen)))
            Commit(_gaps[gap], _gaps[gap].Tokens!, own);
    }

    /// <summary>The text with a combination of choices.</summary>
    private InfillText WithChoices(ChoiceGroup[] groups, int[] combination)
    {
        foreach ((ChoiceGroup group, int choice) in groups.Zip(combination))
        {
            foreach ((GapState gap, EncodedChoice encoded) in group.Gaps.Zip(group.Choices[choice]))
                (gap.Length, gap.Tokens) = (encoded.Tokens.Length, encoded.Tokens);
        }

        InfillText text = Encode();
        foreach (GapState gap in groups.SelectMany(group => group.Gaps))
            gap.Tokens = null;
        return text;
    }

    /// <summary>log p(N) by the lengths of the choices of a gap.</summary>
    private Dictionary<int, double> LogPriorOf(ChoiceGroup group)
    {
        int[] lengths = group.Lengths;
        if (lengths.Length == 1)
            return new() { [lengths[0]] = 0 };
        return lengths.Zip(_options.Lengths.Prior.LogProbabilities(lengths)).ToDictionary(pair => pair.First, pair => pair.Second);
    }

    private static void Commit(ChoiceGroup[] groups, int[][] combinations, double[] probabilities, int[] chosen, bool isExact)
    {
        for (int i = 0; i < groups.Length; i++)
        {
            double[] marginals = [.. Enumerable.Range(0, groups[i].Choices.Length)
                .Select(choice => combinations.Zip(probabilities).Where(entry => entry.First[i] == choice).Sum(entry => entry.Second))];
            foreach ((int index, GapState gap) in groups[i].Gaps.Index())
            {
                gap.Choices = [.. groups[i].Choices.Zip(marginals, (choice, probability) => new ChoiceProbability(choice[index].Text, choice[index].Tokens.Length, probability))];
                (gap.Text, gap.Tokens) = (groups[i].Choices[chosen[i]][index].Text, groups[i].Choices[chosen[i]][index].Tokens);
                (gap.Accuracy, gap.Method, gap.IsResolved) = (isExact ? GapAccuracy.Exact : GapAccuracy.Estimate, GapMethod.Choice, true);
            }
        }
    }
}
