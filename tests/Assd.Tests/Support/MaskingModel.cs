namespace AsArm.Assd.Tests;

/// <summary>
/// Another model plus one last token, the mask, which takes probability 0.2 wherever the target's neighbours in the order are
/// still unknown (drafts) and nearly none elsewhere (oracle): what a network does that saw masks in training.
/// </summary>
internal sealed class MaskingModel(RowModel inner) : RowModel(inner.VocabularySize + 1, inner.MaximumLength)
{
    public override void Answer(SequenceCall call, Conditional conditional, Span<float> row)
    {
        if (SeesMask(call, conditional))
        {
            row.Clear();
            return;
        }

        Span<float> others = row[..^1];
        inner.Answer(call, conditional, others);
        double mask = conditional.Horizon < conditional.Rank ? 0.2 : 0.001;
        double rest = 0;
        foreach (float logit in others)
            rest += Math.Exp(logit);
        row[^1] = (float)Math.Log(rest * mask / (1 - mask));
    }

    /// <summary>Only the density of an impossible outcome asks that.</summary>
    private bool SeesMask(SequenceCall call, Conditional conditional)
    {
        foreach (int position in call.Order.Positions[..conditional.Horizon])
        {
            if (call.Tokens[position] == VocabularySize - 1)
                return true;
        }

        return false;
    }
}
