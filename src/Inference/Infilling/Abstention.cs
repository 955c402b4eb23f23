using System.Text;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Leaves gaps open whose fillings are not probable enough.</summary>
internal static class Abstention
{
    /// <summary>The result with the markup of gaps in place of fillings of less than a probability, and the prompt that is left.</summary>
    /// <param name="result">A result in which all gaps are filled.</param>
    /// <param name="segments">The text.</param>
    /// <param name="minimum">The probability.</param>
    public static InfillResult Apply(InfillResult result, IReadOnlyList<TextSegment> segments, double minimum)
    {
        var text = new StringBuilder();
        var prompt = new InfillPrompt();
        var gaps = new List<InfilledGap>();
        string given = ""; // right before the next gap
        int end = 0; // of the gap before, in the text of the result
        foreach (TextSegment segment in segments)
        {
            if (segment is not TextSegment.Gap unknown)
            {
                given = ((TextSegment.Literal)segment).Text;
                continue;
            }

            InfilledGap gap = result.Gaps[gaps.Count];
            if (gap.Probability < minimum)
            {
                text.Append(given); // with a space that had been left to the filling
                prompt.AddText(given).AddGap(unknown.Specification);
                gaps.Add(gap with { Text = unknown.Specification.ToString(), Start = text.Length, Filling = gap.Text, Abstained = true });
            }
            else
            {
                string before = result.Text[end..gap.Start];
                text.Append(before);
                prompt.AddText(before).AddText(gap.Text);
                gaps.Add(gap with { Start = text.Length });
            }

            text.Append(gaps[^1].Text);
            (end, given) = (gap.End, "");
        }

        string last = result.Text[end..];
        return result with
        {
            Text = text.Append(last).ToString(),
            Gaps = gaps,
            OpenPrompt = gaps.Exists(gap => gap.Abstained) ? prompt.AddText(last) : null,
        };
    }
}
