using System.Globalization;

namespace AsArm.Inference.Text;

/// <summary>
/// What is known of the filling of a gap: its length in tokens or in characters, possible fillings, a pattern, and a name that gaps with the same filling share.
/// <see cref="InfillPrompt.Parse" /> reads it from markup; docs/gaps.md tells what is sampled.
/// </summary>
public sealed record GapSpecification
{
    /// <summary>The maximum number of tokens of a gap of any length.</summary>
    public const int DefaultMaxTokens = 12;

    /// <summary>The maximum number of characters that a gap may be asked to have.</summary>
    public const int LimitOfCharacters = 1_000;

    /// <summary>The maximum number of choices of a gap.</summary>
    public const int LimitOfChoices = 1_000;

    /// <summary>The maximum number of characters (UTF-16 code units) of a choice or a pattern.</summary>
    public const int LimitOfText = 1_000;

    /// <summary>The maximum number of characters of a name.</summary>
    public const int LimitOfName = 64;

    private GapSpecification()
    {
    }

    /// <summary>The minimum number of tokens; null if tokens are not counted.</summary>
    public long? MinTokens { get; private init; }

    /// <summary>The maximum number of tokens; null if tokens are not counted.</summary>
    public long? MaxTokens { get; private init; }

    /// <summary>The minimum number of characters (Unicode scalar values) of the filling; null if characters are not counted.</summary>
    public int? MinCharacters { get; private init; }

    /// <summary>The maximum number of characters (Unicode scalar values) of the filling; null if characters are not counted.</summary>
    public int? MaxCharacters { get; private init; }

    /// <summary>The fillings to choose from; empty if there is no such list.</summary>
    public IReadOnlyList<string> Choices { get; private init; } = [];

    /// <summary>A regular expression that the whole filling matches; null without one.</summary>
    public string? Pattern { get; private init; }

    /// <summary>The name of the gap; gaps of one name have the same filling. Null without one.</summary>
    public string? Name { get; private init; }

    /// <summary>Whether the number of tokens is given and nothing else is.</summary>
    public bool IsPlain => MinTokens is not null && MinTokens == MaxTokens && MinCharacters is null && Choices.Count == 0 && Pattern is null && Name is null;

    /// <summary>The largest number of tokens, as far as it can be told without a tokenizer: a token has at least one character, but for a first space.</summary>
    internal long LargestLength => MaxTokens ?? MaxCharacters ?? (Choices.Count > 0 ? Choices.Max(choice => choice.Length) : DefaultMaxTokens);

    /// <summary>A gap of a number of tokens.</summary>
    /// <param name="count">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public static GapSpecification Tokens(long count = 1) => Tokens(count, count);

    /// <summary>A gap of an unknown number of tokens.</summary>
    /// <param name="minimum">The minimum number, at least 1.</param>
    /// <param name="maximum">The maximum number, not less than the minimum.</param>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public static GapSpecification Tokens(long minimum, long maximum) => new GapSpecification().WithTokens(minimum, maximum);

    /// <summary>A gap of 1 to <see cref="DefaultMaxTokens" /> tokens.</summary>
    public static GapSpecification AnyLength() => Tokens(1, DefaultMaxTokens);

    /// <summary>A gap of a number of characters.</summary>
    /// <param name="minimum">The minimum number, at least 1.</param>
    /// <param name="maximum">The maximum number, not less than the minimum, at most <see cref="LimitOfCharacters" />.</param>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public static GapSpecification Characters(int minimum, int maximum) => new GapSpecification().WithCharacters(minimum, maximum);

    /// <summary>A gap of about a number of characters: within a tenth of it, and within one at least.</summary>
    /// <param name="count">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public static GapSpecification AboutCharacters(int count)
    {
        int tolerance = Math.Max(1, count / 10);
        return Characters(Math.Max(1, count - tolerance), Math.Min(LimitOfCharacters, count + tolerance));
    }

    /// <summary>A gap with one of some fillings.</summary>
    /// <param name="fillings">At least one, each not empty and different from the others.</param>
    /// <exception cref="ArgumentException">There is none, an empty or repeated one, or one that is too long.</exception>
    public static GapSpecification OneOf(params IReadOnlyList<string> fillings) => new GapSpecification().WithChoices(fillings);

    /// <summary>A gap whose whole filling matches a regular expression.</summary>
    /// <param name="pattern">Not empty.</param>
    /// <exception cref="ArgumentException">It is empty or too long, or ends in the midst of an escape.</exception>
    public static GapSpecification Matching(string pattern) => new GapSpecification().WithPattern(pattern);

    /// <summary>The same with a number of tokens.</summary>
    /// <inheritdoc cref="Tokens(long, long)" />
    public GapSpecification WithTokens(long minimum, long maximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minimum, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximum, minimum);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maximum, TextLimits.MaxGapTokens);
        return this with { MinTokens = minimum, MaxTokens = maximum };
    }

    /// <summary>The same with a number of characters.</summary>
    /// <inheritdoc cref="Characters" />
    public GapSpecification WithCharacters(int minimum, int maximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minimum, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximum, minimum);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maximum, LimitOfCharacters);
        return this with { MinCharacters = minimum, MaxCharacters = maximum };
    }

    /// <summary>The same with a list of fillings.</summary>
    /// <inheritdoc cref="OneOf" />
    public GapSpecification WithChoices(IReadOnlyList<string> fillings)
    {
        ArgumentNullException.ThrowIfNull(fillings);
        string[] choices = [.. fillings];
        if (choices.Length is 0 or > LimitOfChoices)
            throw new ArgumentException($"There must be 1 to {LimitOfChoices} choices, not {choices.Length}.", nameof(fillings));
        foreach (string choice in choices)
            RequireText(choice, "A choice", nameof(fillings));
        if (choices.Distinct().Count() < choices.Length)
            throw new ArgumentException("A choice is there twice.", nameof(fillings));
        return this with { Choices = choices };
    }

    /// <summary>The same with a pattern.</summary>
    /// <inheritdoc cref="Matching" />
    public GapSpecification WithPattern(string pattern)
    {
        RequireText(pattern, "A pattern", nameof(pattern));
        return this with { Pattern = GapMarkup.WithPlainSlashes(pattern) ?? throw new ArgumentException("The pattern ends with a backslash.", nameof(pattern)) };
    }

    /// <summary>The same with a name.</summary>
    /// <param name="name">Letters, digits, hyphens and underscores, at most <see cref="LimitOfName" />.</param>
    /// <exception cref="ArgumentException">It is not a name.</exception>
    public GapSpecification Named(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > LimitOfName || !name.All(GapMarkup.IsOfName))
            throw new ArgumentException($"A name has 1 to {LimitOfName} letters, digits, hyphens and underscores.", nameof(name));
        return this with { Name = name };
    }

    /// <summary>Whether two specifications are the same, choices in the same order.</summary>
    public bool Equals(GapSpecification? other) => other is not null
        && MinTokens == other.MinTokens && MaxTokens == other.MaxTokens && MinCharacters == other.MinCharacters && MaxCharacters == other.MaxCharacters
        && Pattern == other.Pattern && Name == other.Name && Choices.SequenceEqual(other.Choices);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(MinTokens, MaxTokens, MinCharacters, MaxCharacters, Pattern, Name, Choices.Count);

    /// <summary>Returns the markup of a gap, from which <see cref="InfillPrompt.Parse" /> gives the same specification.</summary>
    public override string ToString()
    {
        var parts = new List<string>();
        if (MinTokens is long minimum)
            parts.Add(Range(minimum, MaxTokens!.Value));
        if (MinCharacters is int characters)
            parts.Add(Range(characters, MaxCharacters!.Value) + "c");
        if (Choices.Count > 0)
            parts.Add(GapMarkup.Quote(Choices));
        if (Pattern is not null)
            parts.Add(GapMarkup.Delimit(Pattern));
        return $"<mask:{string.Join(',', parts)}{(Name is null ? "" : "#" + Name)}>";
    }

    private static string Range(long minimum, long maximum) => minimum == maximum
        ? minimum.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{minimum}-{maximum}");

    private static void RequireText(string text, string what, string parameter)
    {
        ArgumentNullException.ThrowIfNull(text, parameter);
        if (text.Length is 0 or > LimitOfText)
            throw new ArgumentException($"{what} has 1 to {LimitOfText} characters, not {text.Length}.", parameter);
        TextMarkup.RequireUnicode(text);
    }
}
