using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>What a plan may know of a target that is not drawn yet: shapes and distributions, never a token.</summary>
/// <param name="Known">Neighbours whose tokens are known once all earlier ranks are.</param>
/// <param name="NgramConfidence">
/// The largest probability of the n-gram draft, 0 where it has nothing to draw; null where it is not made: for targets beyond the
/// next, whose context is not drawn yet, and for the next until <see cref="IDraftView.MakeNgramDraft" />.
/// </param>
/// <param name="NetworkNeighbours">Neighbours that the network's row for this target has seen with the tokens they have now; null without such a row.</param>
/// <param name="NetworkConfidence">The largest probability of that row.</param>
public readonly record struct DraftTarget(Neighbours Known, double? NgramConfidence, Neighbours? NetworkNeighbours, double NetworkConfidence);
