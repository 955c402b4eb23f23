using System.Globalization;

namespace AsArm.Inference.Patterns;

/// <summary>Texts whose words are all in a list, as a prefix tree of the words. Immutable and thread-safe.</summary>
internal sealed class WordTexts : TextAutomaton
{
    private const int Root = 0; // between words

    private readonly Dictionary<(int Node, char Unit), int> _children = [];
    private readonly List<bool> _isWord = [true]; // by node
    private readonly HashSet<char> _others = []; // characters of words that are not letters, digits or marks

    /// <param name="words">Words, not empty.</param>
    public WordTexts(IEnumerable<string> words)
    {
        foreach (string word in words)
        {
            int node = Root;
            foreach (char unit in word.Select(Fold))
            {
                if (!IsOfWords(unit))
                    _others.Add(unit);
                if (!_children.TryGetValue((node, unit), out int child))
                {
                    _children[(node, unit)] = child = _isWord.Count;
                    _isWord.Add(false);
                }

                node = child;
            }

            _isWord[node] = true;
        }
    }

    /// <inheritdoc />
    public override int StepCost => 3;

    /// <inheritdoc />
    public override int Start => Root;

    /// <inheritdoc />
    public override int Next(int state, char unit)
    {
        char folded = Fold(unit);
        if (IsOfWords(folded) || _others.Contains(folded))
            return _children.TryGetValue((state, folded), out int child) ? child : Dead;
        return _isWord[state] ? Root : Dead;
    }

    /// <inheritdoc />
    public override bool Accepts(int state) => _isWord[state];

    private static char Fold(char unit) => char.ToUpperInvariant(unit);

    /// <summary>Letters, digits and marks, and all beyond U+FFFF.</summary>
    private static bool IsOfWords(char unit) => char.IsLetterOrDigit(unit) || char.IsSurrogate(unit)
        || char.GetUnicodeCategory(unit) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;
}
