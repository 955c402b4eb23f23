using AsArm.Inference.Patterns;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Constraints;

/// <summary>The fillings that gaps may have, as automata of tokens. Gaps with the same specification share one.</summary>
/// <param name="tokens">The texts of the tokens.</param>
/// <param name="maxTokens">The maximum length of a sequence.</param>
/// <param name="conditions">What all of them have to meet.</param>
internal sealed class GapFillings(TokenTexts tokens, int maxTokens, GapConditions conditions)
{
    private readonly Dictionary<GapSpecification, TokenAutomaton?> _fillings = [];

    /// <summary>The fillings of a gap; null if it may have all of its length.</summary>
    /// <exception cref="InfillTextException">Its pattern cannot be compiled, or is too complex.</exception>
    public TokenAutomaton? Of(GapSpecification gap)
    {
        if (!_fillings.TryGetValue(gap, out TokenAutomaton? fillings))
            _fillings[gap] = fillings = Compile(gap);
        return fillings;
    }

    /// <summary>The largest number of tokens that a gap may have.</summary>
    public int LargestLength(GapSpecification gap) => (int)Math.Min(maxTokens, gap.MaxTokens ?? (gap.MaxCharacters is int characters ? characters + 1 : GapSpecification.DefaultMaxTokens));

    private TokenAutomaton? Compile(GapSpecification gap)
    {
        try
        {
            TextAutomaton[] texts = [.. TextsOf(gap)];
            return texts.Length == 0 ? null : new TokenAutomaton(texts.Aggregate((one, other) => new Intersection(one, other)), tokens, LargestLength(gap));
        }
        catch (PatternException error)
        {
            string place = gap.Pattern is null ? "" : $" (character {error.Offset} of the pattern)";
            throw new InfillTextException($"The gap {GapSupport.Shown(gap)} {error.Message}{place}.");
        }
    }

    private IEnumerable<TextAutomaton> TextsOf(GapSpecification gap)
    {
        foreach (TextAutomaton common in conditions.Texts())
            yield return common;
        if (gap.Pattern is string pattern)
            yield return PatternAutomaton.Compile(pattern);
        if (gap.MinCharacters is int minimum)
            yield return new CharacterCount(minimum, gap.MaxCharacters!.Value);
    }
}
