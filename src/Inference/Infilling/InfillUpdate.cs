using AsArm.Assd.Samplers;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>The text after one forward pass of a streamed request; a text with gaps of which not just the number of tokens is given, and one with <see cref="InfillOptions.MinProbability" />, has the final update only.</summary>
/// <param name="Text">The text so far; runs of tokens that are not committed appear as &lt;mask:N&gt;.</param>
/// <param name="Statistics">The statistics so far.</param>
/// <param name="IsFinal">True for the last update.</param>
public sealed record InfillUpdate(string Text, SamplingStatistics Statistics, bool IsFinal)
{
    /// <summary>The tokens that this forward pass has committed, in decoding order; without those of gaps that stay open (<see cref="InfilledGap.Abstained" />).</summary>
    public IReadOnlyList<CommittedToken> Committed { get; init; } = [];

    /// <summary>
    /// Number of characters at the start of <see cref="Text" /> that later updates repeat unchanged: up to the first token that is not committed. What
    /// follows the length of the previous update can be shown as it comes, from left to right.
    /// </summary>
    public int StableLength { get; init; }

    /// <summary>The result, with the last update; null before.</summary>
    public InfillResult? Result { get; init; }
}

/// <summary>A token that was committed.</summary>
/// <param name="Gap">Index of its gap, from 0.</param>
/// <param name="Index">Its index in the gap, from 0.</param>
/// <param name="Token">The token. Its text may lack the characters that it shares with a neighbour that is not committed.</param>
public sealed record CommittedToken(int Gap, int Index, TokenScore Token)
{
    /// <summary>The tokens of the gaps of a result that do not stay open, in decoding order.</summary>
    internal static IEnumerable<CommittedToken> AllOf(InfillResult result) => result.Gaps.Index()
        .Where(gap => !gap.Item.Abstained)
        .SelectMany(gap => gap.Item.Tokens.Index().Select(token => new CommittedToken(gap.Index, token.Index, token.Item)))
        .OrderBy(committed => committed.Token.Rank);
}
