using System.Globalization;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Refuses requests for fillings that would take too long, or too much memory.</summary>
internal static class CandidateWork
{
    /// <summary>Refuses gaps whose search may evaluate more sequences than <see cref="CandidateOptions.MaxSequences" />. It takes no model.</summary>
    /// <exception cref="InfillTextException">They may.</exception>
    public static void RequireSequences(IEnumerable<TextSegment.Gap> gaps, CandidateOptions options)
    {
        double sequences = gaps.Sum(gap => SequencesOf(gap.Specification, options.SearchBeams));
        if (sequences > CandidateOptions.MaxSequences)
        {
            throw new InfillTextException(string.Create(
                CultureInfo.InvariantCulture,
                $"The search for fillings takes up to {sequences:F0} sequences with {options.SearchBeams} beams, at most {CandidateOptions.MaxSequences} are evaluated: take fewer beams or candidates, or fewer or shorter gaps."));
        }
    }

    /// <summary>Refuses more fillings of all gaps together than <see cref="CandidateOptions.MaxFillings" />.</summary>
    /// <exception cref="InfillTextException">There are more.</exception>
    public static void RequireFillings(int gaps, int count)
    {
        if ((long)gaps * count > CandidateOptions.MaxFillings)
            throw new InfillTextException($"{count} candidates for each of {gaps} gaps are more than {CandidateOptions.MaxFillings} together: ask for fewer.");
    }

    /// <summary>One sequence for the first token of each length, and one for each beam and further token.</summary>
    private static double SequencesOf(GapSpecification gap, int beams)
    {
        double minimum = gap.MinTokens ?? 1, maximum = gap.MaxTokens ?? minimum, lengths = maximum - minimum + 1;
        return lengths + (beams * (minimum + maximum - 2) / 2 * lengths);
    }
}
