using AsArm.Server.Fields;

namespace AsArm.Server.Requests;

/// <summary>
/// Texts before which a filling is cut. The filling is sampled as without them and cut afterwards: what is returned is the beginning of an exact sample, and
/// what follows the cut, the suffix included, does not continue it.
/// </summary>
/// <param name="texts">The texts.</param>
internal sealed class StopTexts(IReadOnlyList<string> texts)
{
    private const int MaxTexts = 16, MaxCharacters = 1000;

    public static Field Field { get; } = new("stop", FieldType.Texts, "Up to 16 texts: a filling is cut before the first of them that occurs in it.");

    /// <summary>Characters of the longest text.</summary>
    public int Longest { get; } = texts.Select(text => text.Length).DefaultIfEmpty().Max();

    /// <summary>Reads the field.</summary>
    public static StopTexts Read(FieldValues values, string name = "stop")
    {
        IReadOnlyList<string> texts = values.Texts(name);
        if (texts.Count > MaxTexts || texts.Any(text => text.Length is 0 or > MaxCharacters))
            throw values.Error(name, $"must have at most {MaxTexts} texts of 1 to {MaxCharacters} characters");
        return new StopTexts(texts);
    }

    /// <summary>Where a filling is cut; null if none of the texts occurs in it.</summary>
    public int? CutIn(string filling)
    {
        int[] found = [.. texts.Select(text => filling.IndexOf(text, StringComparison.Ordinal)).Where(at => at >= 0)];
        return found.Length > 0 ? found.Min() : null;
    }
}
