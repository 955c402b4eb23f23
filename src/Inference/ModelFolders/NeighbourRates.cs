using System.Text.Json.Serialization;
using AsArm.Assd.Planning;

namespace AsArm.Inference.ModelFolders;

/// <summary>
/// Acceptance rates of a source by the neighbours that its draft knows: [<see cref="DraftAcceptance.Columns" />] each, by the draft's
/// largest probability (below 0.1, 0.25, 0.5, and above), then the mean.
/// </summary>
/// <param name="None">Neither neighbour.</param>
/// <param name="Left">The token before.</param>
/// <param name="Right">The token after.</param>
/// <param name="Both">Both.</param>
public sealed record NeighbourRates(
    [property: JsonRequired] IReadOnlyList<double> None,
    [property: JsonRequired] IReadOnlyList<double> Left,
    [property: JsonRequired] IReadOnlyList<double> Right,
    [property: JsonRequired] IReadOnlyList<double> Both)
{
    /// <summary>The rates as the sampler has them.</summary>
    internal double[] Together() => [.. None, .. Left, .. Right, .. Both];

    /// <summary>The first field that is out of its range; null if none is.</summary>
    internal string? FirstInvalidField() =>
        !AreRates(None) ? "none" :
        !AreRates(Left) ? "left" :
        !AreRates(Right) ? "right" :
        !AreRates(Both) ? "both" :
        null;

    internal static bool AreRates(IReadOnlyList<double>? rates) => rates?.Count == DraftAcceptance.Columns && rates.All(rate => rate is >= 0 and <= 1);
}
