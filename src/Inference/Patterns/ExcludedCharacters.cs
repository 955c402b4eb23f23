using System.Globalization;

namespace AsArm.Inference.Patterns;

/// <summary>Texts without characters of some categories of Unicode.</summary>
/// <param name="isExcluded">Whether characters of a category are excluded.</param>
internal sealed class ExcludedCharacters(Predicate<UnicodeCategory> isExcluded) : TextAutomaton
{
    private const char FirstHigh = '\uD800';

    /// <inheritdoc />
    public override int Start => 0;

    /// <inheritdoc />
    public override int Next(int state, char unit)
    {
        if (state > 0) // after a high surrogate
            return char.IsLowSurrogate(unit) && !isExcluded(CharUnicodeInfo.GetUnicodeCategory(char.ConvertToUtf32((char)(FirstHigh + state - 1), unit))) ? 0 : Dead;
        if (char.IsHighSurrogate(unit))
            return 1 + unit - FirstHigh;
        return char.IsSurrogate(unit) || isExcluded(CharUnicodeInfo.GetUnicodeCategory(unit)) ? Dead : 0;
    }

    /// <inheritdoc />
    public override bool Accepts(int state) => state == 0;
}
