using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>Uniform logits, except for one bad logit in the last row of one forward pass.</summary>
internal sealed class BrokenModel(int vocabularySize, int maxLength, int brokenPass, float badLogit)
    : RowModel(vocabularySize, maxLength)
{
    public override void WriteLogits(SequenceState state, Conditional conditional, Span<float> row)
    {
        row.Clear();
        if (ForwardPassCount == brokenPass + 1 && conditional == state.Conditionals[^1])
            row[^1] = badLogit;
    }
}
