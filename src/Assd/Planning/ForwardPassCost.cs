namespace AsArm.Assd.Planning;

/// <summary>
/// What a forward pass costs, in any unit: a fixed part and a part per row. Ratios are all that counts. A plan that depends on them decides
/// how many random numbers are drawn and so which text a seed gives: a cost that is measured anew in every process makes texts unrepeatable.
/// </summary>
/// <param name="Fixed">A call without rows; positive.</param>
/// <param name="ContentToken">Each token to encode; not negative.</param>
/// <param name="QueryToken">Each conditional to answer; not negative.</param>
public readonly record struct ForwardPassCost(double Fixed, double ContentToken, double QueryToken)
{
    /// <summary>A call whose fixed part costs as much as so many rows of either kind.</summary>
    public static ForwardPassCost OfOverhead(double rows) => new(rows, 1, 1);

    /// <summary>The cost of a call.</summary>
    public double Of(int contentTokens, int queryTokens) => Fixed + contentTokens * ContentToken + queryTokens * QueryToken;

    /// <summary>The cost seen by one of several sequences that share each call.</summary>
    public ForwardPassCost SharedBy(int sequences) => this with { Fixed = Fixed / Math.Max(1, sequences) };
}
