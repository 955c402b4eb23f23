namespace AsArm.Inference.Onnx.Stateless;

/// <summary>The dynamic sizes of one call of the stateless graph.</summary>
internal readonly record struct StatelessShape(int Batch, int Sequence, int Targets)
{
    /// <summary>Elements of a tensor [batch, sequence].</summary>
    public int Positions => checked(Batch * Sequence);

    /// <summary>Elements of a tensor [batch, targets].</summary>
    public int Questions => checked(Batch * Targets);
}
