namespace AsArm.Inference;

/// <summary>The dynamic sizes of one call of the stateless graph.</summary>
internal readonly record struct CallShape(int Batch, int Sequence, int Targets)
{
    /// <summary>The smallest shape that holds both.</summary>
    public CallShape UnionWith(CallShape other) =>
        new(Math.Max(Batch, other.Batch), Math.Max(Sequence, other.Sequence), Math.Max(Targets, other.Targets));
}
