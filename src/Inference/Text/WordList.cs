using AsArm.Inference.ModelFolders;
using AsArm.Inference.Patterns;

namespace AsArm.Inference.Text;

/// <summary>
/// The words that gaps may be made of (<see cref="Infilling.InfillOptions.OnlyWords" />). Every run of letters, digits and combining marks in a filling, and of other characters that
/// words of the list have, such as apostrophes, is a word of the list, whatever its case; everything else is free. Immutable and thread-safe.
/// </summary>
public sealed class WordList
{
    /// <summary>The maximum number of characters (UTF-16 code units) of all words together.</summary>
    public const int LimitOfCharacters = PatternLimits.WordListCharacters;

    private const int LimitOfBytes = 4 * LimitOfCharacters;

    /// <summary>Creates a list.</summary>
    /// <param name="words">Words without white space; duplicates are ignored.</param>
    /// <exception cref="ArgumentException">There is no word, one is empty or has white space, or they are too long together.</exception>
    public WordList(IEnumerable<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        var kept = new List<string>();
        long characters = 0;
        foreach (string word in words)
        {
            if (string.IsNullOrEmpty(word) || word.Any(char.IsWhiteSpace))
                throw new ArgumentException(string.IsNullOrEmpty(word) ? "A word is empty." : $"The word \"{word}\" has white space.", nameof(words));
            if ((characters += word.Length) > LimitOfCharacters)
                throw new ArgumentException($"The words have more than {LimitOfCharacters} characters together.", nameof(words));
            kept.Add(word);
        }

        Texts = kept.Count > 0 ? new WordTexts(kept) : throw new ArgumentException("There is no word.", nameof(words));
    }

    /// <summary>The texts that are made of the words.</summary>
    internal WordTexts Texts { get; }

    /// <summary>Reads a file in UTF-8 with a word in each line; white space around words and blank lines are ignored.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InfillTextException">The file cannot be read, or is not such a list; the message names it.</exception>
    public static WordList Read(string path)
    {
        try
        {
            string text = System.Text.Encoding.UTF8.GetString(RegularFile.Read(path, LimitOfBytes));
            return new WordList(text.TrimStart('\uFEFF').Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));
        }
        catch (Exception error) when (error is ModelFolderException or ArgumentException)
        {
            throw new InfillTextException($"The word list {path} cannot be used: {error.Message.Split(" (Parameter")[0]}");
        }
    }
}
