using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>Answers each conditional with the given probabilities, whatever the tokens are; logs every conditional asked.</summary>
internal sealed class ScriptedModel(int vocabularySize, int maxLength, Func<Conditional, double[]> probabilities)
    : RowModel(vocabularySize, maxLength)
{
    /// <summary>A finite logit whose softmax is zero in float32.</summary>
    private const float NearlyNever = -1e4f;

    public List<Conditional> Asked { get; } = [];

    public override void Answer(SequenceState state, Conditional conditional, Span<float> row)
    {
        Asked.Add(conditional);
        double[] answer = probabilities(conditional);
        for (int token = 0; token < row.Length; token++)
            row[token] = answer[token] > 0 ? (float)Math.Log(answer[token]) : NearlyNever;
    }
}
