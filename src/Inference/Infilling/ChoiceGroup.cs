using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Gaps with the same choice: one gap, or all of a name.</summary>
/// <param name="Gaps">The gaps, from left to right.</param>
/// <param name="Choices">[choices][gaps] the choices, with the tokens that they have in each gap.</param>
internal sealed record ChoiceGroup(GapState[] Gaps, EncodedChoice[][] Choices)
{
    /// <summary>Whether all choices have the same number of tokens in each gap.</summary>
    public bool HasOneLength => Array.TrueForAll(Choices, choice => choice.Zip(Choices[0]).All(pair => pair.First.Tokens.Length == pair.Second.Tokens.Length));

    /// <summary>The numbers of tokens that it may have in the first gap.</summary>
    public int[] Lengths => [.. Choices.Select(choice => choice[0].Tokens.Length).Distinct().Order()];

    /// <summary>The choices that all gaps may have.</summary>
    /// <exception cref="InfillTextException">There is none.</exception>
    public static ChoiceGroup Of(GapState[] gaps)
    {
        EncodedChoice[][] choices = [.. gaps[0].Known.Choices
            .Select(choice => gaps.Select(gap => gap.Known.Choices.FirstOrDefault(one => one.Text == choice.Text)).OfType<EncodedChoice>().ToArray())
            .Where(found => found.Length == gaps.Length)];
        return choices.Length > 0 ? new ChoiceGroup(gaps, choices)
            : throw new InfillTextException($"None of the choices of {GapSupport.Shown(gaps[0].Specification)} has the number of tokens that it asks for in all gaps of its name.");
    }
}
