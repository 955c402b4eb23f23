namespace AsArm.Cli.Options;

/// <summary>Texts that come as command-line arguments.</summary>
internal static class ArgumentText
{
    /// <summary>The system hands bytes that are no UTF-8 over as U+FFFD, so that given text could not come back unchanged.</summary>
    public static void RequireValid(string text)
    {
        if (text.Contains('\uFFFD'))
            throw new UsageException("TEXT is no valid UTF-8 (or holds U+FFFD, which stands for bytes that are none).");
    }
}
