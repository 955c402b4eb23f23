namespace AsArm.Assd;

/// <summary>
/// What a model call costs, in any unit: a fixed part and a part per row. Ratios are all that counts. A plan that depends on them decides
/// how many coins are tossed and so which text a seed gives: a cost that is measured anew in every process makes texts unrepeatable.
/// </summary>
/// <param name="Fixed">A call without rows; positive.</param>
/// <param name="ContentRow">Each token to encode; not negative.</param>
/// <param name="QueryRow">Each conditional to answer; not negative.</param>
public readonly record struct CallCost(double Fixed, double ContentRow, double QueryRow)
{
    /// <summary>A call whose fixed part costs as much as so many rows of either kind.</summary>
    public static CallCost OfRows(double rows) => new(rows, 1, 1);

    /// <summary>The cost of a call.</summary>
    public double Of(int contentRows, int queryRows) => Fixed + contentRows * ContentRow + queryRows * QueryRow;

    /// <summary>The cost seen by one of several sequences that share each call.</summary>
    public CallCost SharedBy(int sequences) => this with { Fixed = Fixed / Math.Max(1, sequences) };
}
