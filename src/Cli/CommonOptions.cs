using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;
using AsArm.Inference;

namespace AsArm.Cli;

/// <summary>Options that several commands share, and their checks.</summary>
internal static class CommonOptions
{
    public static Option<string?> Model() => new("--model")
    {
        Description = "Model folder written by tools/export (default: the model that comes with the command)",
        HelpName = "DIR",
    };

    public static Option<Device> Device() => Choice("--device", "Where the network runs", Enum.GetValues<Device>().ToDictionary(Devices.NameOf));

    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object" };

    /// <summary>The folder that --model names, else that of the model beside the program.</summary>
    public static string ModelFolder(this ParseResult parsed, Option<string?> model) => parsed.GetValue(model) ?? DefaultModel();

    /// <summary>An option that takes one of a few names; the first is the default and the enumeration's zero.</summary>
    public static Option<T> Choice<T>(string name, string description, IReadOnlyDictionary<string, T> choices)
        where T : struct, Enum => new(name)
        {
            Description = $"{description} (default {choices.First().Key})",
            HelpName = string.Join('|', choices.Keys),
            CustomParser = result =>
            {
                string given = result.Tokens[0].Value;
                if (choices.TryGetValue(given, out T value))
                    return value;
                result.AddError($"Unknown {name[2..]} '{given}': use {string.Join(", ", choices.Keys)}.");
                return default;
            },
        };

    /// <summary>An option with a number in a range.</summary>
    public static Option<T> Number<T>(string name, string help, string description, Func<T, bool> isValid, string range)
        where T : struct, IParsable<T> => Configure(new Option<T>(name), help, description, isValid, range);

    /// <summary>An option with a number in a range that may be left out.</summary>
    public static Option<T?> OptionalNumber<T>(string name, string help, string description, Func<T, bool> isValid, string range)
        where T : struct, IParsable<T> => Configure(new Option<T?>(name), help, description, value => isValid(value!.Value), range);

    private static Option<T> Configure<T>(Option<T> option, string help, string description, Func<T, bool> isValid, string range)
    {
        (option.HelpName, option.Description) = (help, description);
        option.CustomParser = result => Parse(result, option.Name, isValid, range);
        return option;
    }

    private static T? Parse<T>(ArgumentResult result, string name, Func<T, bool> isValid, string range)
    {
        string given = result.Tokens[0].Value;
        Type type = Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T);
        try
        {
            var value = (T)Convert.ChangeType(given, type, CultureInfo.InvariantCulture);
            if (isValid(value))
                return value;
        }
        catch (Exception error) when (error is FormatException or OverflowException)
        {
            // falls through to the message
        }

        result.AddError($"{name} must be {range}, not '{given}'.");
        return default;
    }

    private static string DefaultModel()
    {
        string name = typeof(CommonOptions).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "DefaultModel").Value!;
        return Path.Combine(AppContext.BaseDirectory, "models", name);
    }
}
