using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>Answers evenly, except for one bad logit in the last row of one call.</summary>
internal sealed class BrokenModel(int vocabularySize, int maxLength, int brokenCall, float badLogit)
    : RowModel(vocabularySize, maxLength)
{
    public override void Answer(SequenceState state, Conditional conditional, Span<float> row)
    {
        row.Clear();
        if (ForwardPassCount == brokenCall + 1 && conditional == state.Conditionals[^1])
            row[^1] = badLogit;
    }
}
