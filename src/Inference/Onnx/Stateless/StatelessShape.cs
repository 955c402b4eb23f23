namespace AsArm.Inference.Onnx.Stateless;

/// <summary>The dynamic dimensions of one run of the stateless graph.</summary>
internal readonly record struct StatelessShape(int Batch, int Sequence, int Targets)
{
    /// <summary>Number of elements of a tensor [batch, sequence].</summary>
    public int Positions => checked(Batch * Sequence);

    /// <summary>Number of elements of a tensor [batch, targets].</summary>
    public int Queries => checked(Batch * Targets);
}
