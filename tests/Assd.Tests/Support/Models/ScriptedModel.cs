using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>A model with given probabilities for each conditional, whatever the tokens are; records all queries.</summary>
internal sealed class ScriptedModel(int vocabularySize, int maxLength, Func<Conditional, double[]> probabilities)
    : RowModel(vocabularySize, maxLength)
{
    /// <summary>A finite logit whose probability is zero in float32.</summary>
    private const float ZeroProbability = -1e4f;

    public List<Conditional> Queries { get; } = [];

    public override void WriteLogits(SequenceState state, Conditional conditional, Span<float> row)
    {
        Queries.Add(conditional);
        double[] distribution = probabilities(conditional);
        for (int token = 0; token < row.Length; token++)
            row[token] = distribution[token] > 0 ? (float)Math.Log(distribution[token]) : ZeroProbability;
    }
}
