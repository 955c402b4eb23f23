namespace AsArm.Assd.Constraints;

/// <summary>What the restriction of a row has left.</summary>
/// <param name="Allowed">The probability of the allowed tokens.</param>
/// <param name="Scaled">The same with each token weighed by the bound of its prefix: what the row was divided by. 0 if the row is as it was.</param>
/// <param name="Node">The prefix of the row; null if it was not met before.</param>
/// <param name="LogFactor">The natural log of a factor on both: 0, unless the allowed tokens are too improbable for float32.</param>
internal readonly record struct RowMass(double Allowed, double Scaled, PrefixTree.Node? Node, double LogFactor = 0)
{
    /// <summary>A row without a restriction.</summary>
    public static readonly RowMass Whole = new(1, 1, null);
}
