using System.Text.RegularExpressions;

namespace AsArm.Inference.Patterns;

/// <summary>
/// A set of UTF-16 code units. What a class such as [a-z-[aeiou]] or \p{L} contains is asked of System.Text.RegularExpressions itself, so that it is the
/// same by construction.
/// </summary>
internal sealed class CharacterSet
{
    private static readonly string s_all = string.Create(char.MaxValue + 1, 0, (units, _) =>
    {
        for (int unit = 0; unit < units.Length; unit++)
            units[unit] = (char)unit;
    });

    private readonly (char First, char Last)[] _ranges;

    private CharacterSet((char First, char Last)[] ranges) => _ranges = ranges;

    /// <summary>Ascending ranges that neither overlap nor touch.</summary>
    public IReadOnlyList<(char First, char Last)> Ranges => _ranges;

    /// <summary>Number of code units.</summary>
    public int Count => _ranges.Sum(range => range.Last - range.First + 1);

    /// <summary>A set of one code unit.</summary>
    public static CharacterSet Of(char character) => new([(character, character)]);

    /// <summary>The code units that a class matches.</summary>
    /// <param name="expression">A valid expression that matches single code units.</param>
    /// <param name="ignoresCase">Whether case is ignored, by the rules of the invariant culture.</param>
    public static CharacterSet Matching(string expression, bool ignoresCase)
    {
        var regex = new Regex($"(?:{expression})+", RegexOptions.CultureInvariant | (ignoresCase ? RegexOptions.IgnoreCase : RegexOptions.None));
        var ranges = new List<(char, char)>();
        foreach (ValueMatch run in regex.EnumerateMatches(s_all))
            ranges.Add(((char)run.Index, (char)(run.Index + run.Length - 1)));
        return new([.. ranges]);
    }
}
