using System.Globalization;
using AsArm.Inference.Patterns;
using AsArm.Inference.Text;

namespace AsArm.Inference.Constraints;

/// <summary>What all gaps of a text without choices have to meet.</summary>
/// <param name="Only">The words that they are made of; null for any.</param>
/// <param name="Excluded">Characters that they do without.</param>
internal sealed record GapConditions(WordList? Only, CharacterKinds Excluded)
{
    /// <summary>No conditions.</summary>
    public static GapConditions None { get; } = new(null, CharacterKinds.None);

    /// <summary>The texts that meet them.</summary>
    public IEnumerable<TextAutomaton> Texts()
    {
        if (Only is not null)
            yield return Only.Texts;
        if (Excluded != CharacterKinds.None)
            yield return new ExcludedCharacters(category => (KindOf(category) & Excluded) != 0);
    }

    private static CharacterKinds KindOf(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharacterKinds.Capitals,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterKinds.Digits,
        >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherSymbol => CharacterKinds.Punctuation,
        _ => CharacterKinds.None,
    };
}
