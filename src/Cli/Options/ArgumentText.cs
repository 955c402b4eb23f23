namespace AsArm.Cli.Options;

/// <summary>Texts that come as command-line arguments.</summary>
internal static class ArgumentText
{
    /// <summary>The system passes bytes that are not UTF-8 as U+FFFD, so that given text could not be returned unchanged.</summary>
    public static void RequireValid(string text)
    {
        if (text.Contains('\uFFFD'))
            throw new UsageException("TEXT is not valid UTF-8 (or contains U+FFFD, the replacement character for invalid bytes).");
    }
}
