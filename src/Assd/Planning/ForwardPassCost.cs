namespace AsArm.Assd.Planning;

/// <summary>
/// The cost of a forward pass, in any unit: a fixed part and a part for each token processed. Only ratios matter. Draft policies depend on
/// it, and so does the text of a seed: with costs measured anew in every process, a seed would not reproduce its text.
/// </summary>
/// <param name="Fixed">The cost of a pass without tokens; positive.</param>
/// <param name="ContentToken">The cost of each content position; not negative.</param>
/// <param name="QueryToken">The cost of each query position; not negative.</param>
public readonly record struct ForwardPassCost(double Fixed, double ContentToken, double QueryToken)
{
    /// <summary>A cost by forward-pass overhead: a fixed part of so many tokens, with content and query tokens of the same cost.</summary>
    public static ForwardPassCost OfOverhead(double tokens) => new(tokens, 1, 1);

    /// <summary>The cost of a pass with these numbers of content and query positions.</summary>
    public double Of(int contentTokens, int queryTokens) => Fixed + contentTokens * ContentToken + queryTokens * QueryToken;

    /// <summary>The cost for one of several sequences that share each pass.</summary>
    public ForwardPassCost SharedBy(int sequences) => this with { Fixed = Fixed / Math.Max(1, sequences) };
}
