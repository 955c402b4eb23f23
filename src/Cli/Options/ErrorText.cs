namespace AsArm.Cli.Options;

/// <summary>What users are told of an exception.</summary>
internal static class ErrorText
{
    /// <summary>Its message; of an option of the library that does not go with the text, with the name of the option here.</summary>
    public static string Of(Exception error) => IsOfAnOption(error) ? Named((ArgumentOutOfRangeException)error) : error.Message;

    /// <summary>Whether it is about an option that does not go with the text.</summary>
    public static bool IsOfAnOption(Exception error) => error is ArgumentOutOfRangeException && NameOf(error) is not null;

    private static string Named(ArgumentOutOfRangeException error)
    {
        string message = error.Message.Split(" (Parameter")[0].Split('\n')[0];
        return message.StartsWith(error.ParamName!, StringComparison.Ordinal) ? NameOf(error) + message[error.ParamName!.Length..] : $"{NameOf(error)}: {message}";
    }

    private static string? NameOf(Exception error) => ((ArgumentOutOfRangeException)error).ParamName switch
    {
        "Order" => "--order",
        "Sampler" => "--sampler",
        _ => null,
    };
}
