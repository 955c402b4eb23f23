using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>What a draft policy may know of a target without a draft token: positions and distributions, never a token.</summary>
/// <param name="Known">The neighbours that are known once the tokens of all earlier ranks are.</param>
/// <param name="NgramConfidence">
/// The largest probability of the n-gram draft, 0 if there is no such draft; null if not computed: for targets behind the next, whose
/// context is not drawn yet, and for the next before <see cref="IDraftView.MakeNgramDraft" />.
/// </param>
/// <param name="NetworkNeighbours">
/// The neighbours that the stored row of the target has seen with the tokens that they have now; null without a row.
/// </param>
/// <param name="NetworkConfidence">The largest probability of that row.</param>
/// <param name="HasHead">Whether a draft head can correct the row: there is one, and the row has not seen the left neighbour, which will be known.</param>
public readonly record struct DraftTarget(
    Neighbours Known, double? NgramConfidence, Neighbours? NetworkNeighbours, double NetworkConfidence, bool HasHead = false);
