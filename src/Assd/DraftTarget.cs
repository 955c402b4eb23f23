namespace AsArm.Assd;

/// <summary>What a plan may know of a target that is not drawn yet: shapes and distributions, never a token.</summary>
/// <param name="Known">Neighbours whose tokens are known once all earlier ranks are.</param>
/// <param name="NgramConfidence">
/// The largest probability of the n-gram draft, 0 where it has nothing to draw; null for targets beyond the next, whose context
/// is not drawn yet.
/// </param>
/// <param name="RowSees">Neighbours that the network's row for this target sees; null without such a row.</param>
/// <param name="RowConfidence">The largest probability of that row.</param>
public readonly record struct DraftTarget(Neighbours Known, double? NgramConfidence, Neighbours? RowSees, double RowConfidence);
