using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>
/// Another model plus one last token, the mask, which takes probability 0.2 wherever the target's neighbours in the order are
/// still unknown (drafts) and nearly none elsewhere (oracle): what a network does that saw masks in training.
/// </summary>
internal sealed class MaskingModel(RowModel inner) : RowModel(inner.VocabularySize + 1, inner.MaxLength)
{
    public override void Answer(SequenceState state, Conditional conditional, Span<float> row)
    {
        if (SeesMask(state, conditional))
        {
            row.Clear();
            return;
        }

        Span<float> others = row[..^1];
        inner.Answer(state, conditional, others);
        double mask = conditional.Horizon < conditional.Rank ? 0.2 : 0.001;
        double rest = 0;
        foreach (float logit in others)
            rest += Math.Exp(logit);
        row[^1] = (float)Math.Log(rest * mask / (1 - mask));
    }

    /// <summary>Only the density of an impossible outcome asks that.</summary>
    private bool SeesMask(SequenceState state, Conditional conditional)
    {
        foreach (int position in state.Order.Positions[..conditional.Horizon])
        {
            if (state.Tokens[position] == VocabularySize - 1)
                return true;
        }

        return false;
    }
}
