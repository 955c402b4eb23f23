using System.CommandLine;
using System.CommandLine.Parsing;

namespace AsArm.Cli.Options;

/// <summary>Texts that come as command-line arguments.</summary>
internal static class ArgumentText
{
    /// <summary>The TEXT of a command; null where it was left out.</summary>
    /// <exception cref="UsageException">It looks like an option, which the parser takes for the text where there is no other, or is not UTF-8.</exception>
    public static string? Of(ParseResult parsed, Argument<string?> argument)
    {
        string? text = parsed.GetValue(argument);
        if (text is null)
            return null;
        if (text.StartsWith("--", StringComparison.Ordinal) && LooksLikeAnOption(text) && parsed.Tokens.All(token => token.Type != TokenType.DoubleDash))
            throw new UsageException($"Unknown option '{text}'; a TEXT that looks like an option goes after --.");
        RequireValid(text);
        return text;
    }

    /// <summary>Dashes and a word: an option for the parser, if it knew it.</summary>
    public static bool LooksLikeAnOption(string value) =>
        value.StartsWith('-') && value.TrimStart('-') is [var first, ..] && char.IsLetter(first) && !value.Any(char.IsWhiteSpace);

    /// <summary>The system passes bytes that are not UTF-8 as U+FFFD, so that given text could not be returned unchanged.</summary>
    private static void RequireValid(string text)
    {
        if (text.Contains('\uFFFD'))
            throw new UsageException("TEXT is not valid UTF-8 (or contains U+FFFD, the replacement character for invalid bytes).");
    }
}
