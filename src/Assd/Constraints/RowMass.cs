namespace AsArm.Assd.Constraints;

/// <summary>What the restriction of a row has left.</summary>
/// <param name="Allowed">The probability of the allowed tokens.</param>
/// <param name="Scaled">The same with each token weighed by the bound of its prefix: what the row was divided by. 0 if the row is as it was.</param>
/// <param name="Node">The prefix of the row; null if it was not met before.</param>
internal readonly record struct RowMass(double Allowed, double Scaled, PrefixTree.Node? Node)
{
    /// <summary>A row without a restriction.</summary>
    public static readonly RowMass Whole = new(1, 1, null);
}
