using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>
/// Another model with one more token, the mask, which has probability 0.2 if tokens of earlier ranks are unknown (drafts) and nearly 0
/// otherwise (oracle), as a network trained with mask tokens may have it.
/// </summary>
internal sealed class MaskingModel(RowModel inner) : RowModel(inner.VocabularySize + 1, inner.MaxLength)
{
    public override void WriteLogits(SequenceState state, Conditional conditional, Span<float> row)
    {
        if (SeesMask(state, conditional))
        {
            row.Clear();
            return;
        }

        Span<float> others = row[..^1];
        inner.WriteLogits(state, conditional, others);
        double mask = conditional.Horizon < conditional.Rank ? 0.2 : 0.001;
        double rest = 0;
        foreach (float logit in others)
            rest += Math.Exp(logit);
        row[^1] = (float)Math.Log(rest * mask / (1 - mask));
    }

    /// <summary>Whether the context has a mask token: only in the density of an outcome of probability 0.</summary>
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
