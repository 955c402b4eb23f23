using System.Text.Json.Serialization;
using AsArm.Assd.Planning;

namespace AsArm.Inference.ModelFolders;

/// <summary>
/// Acceptance rates of a draft source by the known neighbours of the target. [<see cref="DraftAcceptance.Columns" />] each: for drafts whose
/// largest probability is below 0.1, 0.25, 0.5, and above, and the mean.
/// </summary>
/// <param name="None">Neither neighbour is known.</param>
/// <param name="Left">The token before is known.</param>
/// <param name="Right">The token after is known.</param>
/// <param name="Both">Both are known.</param>
internal sealed record NeighbourRates(
    [property: JsonRequired] IReadOnlyList<double> None,
    [property: JsonRequired] IReadOnlyList<double> Left,
    [property: JsonRequired] IReadOnlyList<double> Right,
    [property: JsonRequired] IReadOnlyList<double> Both)
{
    /// <summary>All rates in one array, in the order that <see cref="DraftAcceptance" /> expects.</summary>
    internal double[] Flatten() => [.. None, .. Left, .. Right, .. Both];

    /// <summary>The name of the first field that is out of range; null if all are valid.</summary>
    internal string? FirstInvalidField() =>
        !AreValidRates(None) ? "none" :
        !AreValidRates(Left) ? "left" :
        !AreValidRates(Right) ? "right" :
        !AreValidRates(Both) ? "both" :
        null;

    internal static bool AreValidRates(IReadOnlyList<double>? rates) => rates?.Count == DraftAcceptance.Columns && rates.All(rate => rate is >= 0 and <= 1);
}
