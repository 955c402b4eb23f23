namespace AsArm.Assd.Tests;

/// <summary>Answers evenly, except for one bad logit in the last row of one call.</summary>
internal sealed class BrokenModel(int vocabularySize, int maximumLength, int brokenCall, float badLogit)
    : RowModel(vocabularySize, maximumLength)
{
    public override void Answer(SequenceCall call, Conditional conditional, Span<float> row)
    {
        row.Clear();
        if (CallCount == brokenCall + 1 && conditional == call.Conditionals[^1])
            row[^1] = badLogit;
    }
}
