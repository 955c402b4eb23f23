using AsArm.Assd.Constraints;
using AsArm.Assd.Ordering;
using AsArm.Inference.Constraints;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>
/// Gaps that have to meet a condition, jointly with those that are filled together with them: by rejection or, if that fails, by resampling. The length of the first
/// one, if it is not known, is drawn along with the tokens.
/// </content>
internal sealed partial class GapFilling
{
    private int _conditionedUnits;

    /// <summary>Whether a gap has to meet a condition; one of several with the same name does.</summary>
    private bool IsConstrained(GapState gap) => gap.Known.Fillings is not null || NamesakesOf(gap).Length > 1;

    private GapState[] NamesakesOf(GapState gap) =>
        gap.Specification.Name is string name ? [.. _gaps.Where(other => other.Specification.Name == name)] : [gap];

    /// <summary>
    /// The gaps that are filled together with one: up to the first whose length is not known, unless it is of a name that is there before, and no further than to
    /// the last that has to meet a condition. If the length of the first is not known, no further than to the last of its name.
    /// </summary>
    private int EndOfUnit(int first)
    {
        string?[] names = [.. _gaps.Select(gap => gap.Specification.Name)];
        int end = first + 1, conditioned = first + 1;
        while (end < _gaps.Length && (_gaps[end].IsResolved || _gaps[end].Tokens is not null || (names[end] is string name && names.AsSpan(first..end).Contains(name))))
        {
            end++;
            if (_gaps[first].IsResolved ? IsConstrained(_gaps[end - 1]) : names[end - 1] is string last && last == names[first])
                conditioned = end;
        }

        return conditioned > first + 1 || IsConstrained(_gaps[first]) || !_gaps[first].IsResolved ? conditioned : end;
    }

    private IEnumerable<IReadOnlyList<SequenceTask>> FillConstrained(int first, int end)
    {
        _conditionedUnits++;
        GapState gap = _gaps[first];
        GapState[] sameLength = gap.IsResolved ? [] : [.. NamesakesOf(gap).Where(other => other.Tokens is null && Array.IndexOf(_gaps, other, first, end - first) >= 0)];
        if (!gap.IsResolved)
        {
            foreach (IReadOnlyList<SequenceTask> step in FindPosterior(first, sameLength.Length))
                yield return step;
        }

        ConditionedUnit[] alternatives = gap.IsResolved ? [UnitOf(first, end)]
            : [.. gap.Lengths.Select(one => UnitOf(first, end, sameLength, one.Tokens))];
        var sampling = new ConditionalSampling(
            [.. alternatives.Select((unit, i) => (unit.Constraint, gap.IsResolved ? 1 : gap.Lengths[i].Probability))], _options, NextSeed(), _options.MaxTries, _options.Particles);
        var drawn = new Dictionary<ConstrainedDraw, FilledSequence>();
        while (!sampling.IsDone)
        {
            yield return [.. sampling.BeginGeneration().Select(draw => Draw(draw, alternatives[draw.Alternative], drawn))];
            sampling.EndGeneration();
        }

        if (sampling.Chosen is not ConstrainedDraw chosen)
            throw new InfillTextException($"No filling was found that meets {string.Join(" and ", alternatives[0].Gaps.Where(IsConstrained).Select(one => GapSupport.Shown(one.Specification)).Distinct())} here ({Describe(sampling.Statistics!)}).");
        Commit(alternatives[chosen.Alternative], drawn[chosen], sampling.Statistics!, gap.IsResolved ? null : gap.Lengths, sameLength);
    }

    private static string Describe(ConditionalStatistics statistics) =>
        statistics.Method == ConditionalMethod.Greedy ? "greedy decoding came to an end without an allowed token" : $"{statistics.Tries} tries, {statistics.Particles} weighted samples";

    private ConditionedUnit UnitOf(int first, int end, GapState[] sameLength, int length)
    {
        foreach (GapState gap in sameLength)
            gap.Length = length;
        return UnitOf(first, end);
    }

    /// <summary>The text with the gaps as they are now, and the condition on those that are to be filled.</summary>
    private ConditionedUnit UnitOf(int first, int end)
    {
        InfillText text = Encode();
        (Range[] positions, bool?[] spaces) = (text.TargetPositions, text.SpacesShown);
        var gaps = new List<GapState>();
        var constrained = new List<ConstrainedGap>();
        var named = new Dictionary<string, ConstrainedGap>();
        string[]? filled = null;
        for (int i = first; i < end; i++)
        {
            GapState gap = _gaps[i];
            if (gap.Tokens is not null)
                continue;
            gaps.Add(gap);
            if (!IsConstrained(gap))
                continue;
            int before = gap.Specification.Name is null ? -1 : Array.FindIndex(_gaps, 0, first, other => other.Specification.Name == gap.Specification.Name && other.Tokens is not null);
            filled ??= before < 0 ? null : FilledTexts(text);
            ConstrainedGap one = new(
                positions[i].Start.Value, gap.Length, spaces[i], gap.Known.Fillings,
                gap.Specification.Name is string name ? named.GetValueOrDefault(name) : null, before < 0 ? null : filled![before]);
            constrained.Add(one);
            if (gap.Specification.Name is string own)
                named.TryAdd(own, one);
        }

        return new(text, Order.LeftToRight(text.Given), [.. gaps], [.. gaps.Select(gap => gap.Length)], new GapsConstraint(constrained, _text.Encoder.Tokenizer.Texts));
    }

    /// <summary>The texts of the gaps that are filled.</summary>
    private string[] FilledTexts(InfillText text) => [.. text.DecodeGaps(text.Tokens, text.Given).Zip(_gaps, (decoded, gap) => gap.Text ?? decoded)];

    private SequenceTask Draw(ConstrainedDraw draw, ConditionedUnit unit, Dictionary<ConstrainedDraw, FilledSequence> drawn) =>
        Draw(draw, unit.Order, unit.Text.Tokens, _options with { BannedTokensAt = unit.Text.BannedAt }, unit.Lengths.Sum(), drawn);

    private SequenceTask Draw(
        ConstrainedDraw draw, Order order, int[] tokens, InfillOptions options, int count, Dictionary<ConstrainedDraw, FilledSequence> drawn, int? endToken = null) => new(
        () => (InfillSamplers.Create(order, tokens, options, _setting, _mode, count, draw, endToken), draw.Random),
        sampler =>
        {
            if (!draw.HasFailed)
                drawn[draw] = FilledSequence.Of(sampler, options, "");
        });

    private void Commit(ConditionedUnit unit, FilledSequence sequence, ConditionalStatistics statistics, IReadOnlyList<LengthProbability>? lengths, GapState[] sameLength)
    {
        int at = 0;
        foreach ((GapState gap, int length) in unit.Gaps.Zip(unit.Lengths))
        {
            int[] tokens = [.. unit.Order.Positions.Slice(unit.Order.GivenCount + at, length).ToArray().Select(position => sequence.Tokens[position])];
            Commit(gap, tokens, sequence.LogProbabilities[at..(at + length)]);
            gap.Entropies = sequence.Entropies.Length == 0 ? [] : sequence.Entropies[at..(at + length)];
            at += length;
            gap.Conditioning = statistics;
            (gap.Accuracy, gap.Method) = statistics.Method switch
            {
                ConditionalMethod.Exact => (lengths is { Count: > 1 } ? GapAccuracy.Estimate : GapAccuracy.Exact, GapMethod.Rejection),
                ConditionalMethod.Greedy => (lengths is { Count: > 1 } || unit.Lengths.Sum() > 1 ? GapAccuracy.Estimate : GapAccuracy.Exact, GapMethod.Greedy), // masks step by step
                _ => (GapAccuracy.Estimate, GapMethod.Resampling),
            };
        }

        foreach (GapState gap in sameLength)
            (gap.IsResolved, gap.Lengths) = (true, lengths ?? []);
        AddUp(sequence);
    }

    /// <summary>Gaps that are filled jointly.</summary>
    /// <param name="Text">The whole text, with gaps of a length.</param>
    /// <param name="Order">Its order.</param>
    /// <param name="Gaps">The gaps, from left to right.</param>
    /// <param name="Lengths">Their numbers of tokens.</param>
    /// <param name="Constraint">What they have to meet.</param>
    private sealed record ConditionedUnit(InfillText Text, Order Order, GapState[] Gaps, int[] Lengths, GapsConstraint Constraint);
}
