using AsArm.Inference.Text;
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

    public static Field Field { get; } = new("stop", FieldType.Texts, "Up to 16 texts: a filling is cut before the one that is complete first.");

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

    /// <summary>
    /// Where a filling is cut; null if none of the texts occurs in it. Of several the one that ends first counts, and of those that end together the longest: the
    /// cut does not depend on the pieces in which a filling comes.
    /// </summary>
    public int? CutIn(string filling)
    {
        (int End, int Start)[] found = [.. texts
            .Select(text => (Text: text, Start: filling.IndexOf(text, StringComparison.Ordinal)))
            .Where(one => one.Start >= 0)
            .Select(one => (one.Start + one.Text.Length, one.Start))];
        return found.Length > 0 ? found.Min().Start : null;
    }

    /// <summary>The number of tokens that begin before a cut: what a cut filling counts, however many were generated meanwhile.</summary>
    /// <param name="tokens">The tokens of the filling, from left to right.</param>
    /// <param name="cut">Where it is cut.</param>
    public static int TokensBefore(IEnumerable<TokenScore> tokens, int cut)
    {
        int at = 0, count = 0;
        foreach (TokenScore token in tokens)
        {
            if (at >= cut)
                break;
            at += token.Text.Length;
            count++;
        }

        return count;
    }
}
