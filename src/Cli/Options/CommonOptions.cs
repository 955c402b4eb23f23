using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using System.Reflection;

namespace AsArm.Cli.Options;

/// <summary>Options that several commands share, and their checks.</summary>
internal static class CommonOptions
{
    public static Option<string?> Model() =>
        Path("--model", "DIR", "Model folder written by tools/export (default: the model that comes with the command)");

    public static Option<bool> Json() => new("--json") { Arity = ArgumentArity.Zero, Description = "Print one JSON object" };

    public static Option<bool> NoCache() => new("--no-cache") { Arity = ArgumentArity.Zero, Description = "Encode the whole text in every forward pass: slower, for cross-checks" };

    public static Option<bool> Float32() =>
        new("--float32") { Arity = ArgumentArity.Zero, Description = "Compute the matrix products of an int8 or int4 model in float32, as GPUs do: slower on a CPU, for cross-checks" };

    public static Option<int?> Threads() => OptionalNumber("--threads", "N", "Threads on a CPU (default: one per core)", Ranges.Threads);

    public static Option<bool> Window(string what) =>
        new("--window") { Arity = ArgumentArity.Zero, Description = $"If the text is longer than the model takes, {what} with as much of the text around as fits; exact given what the model sees" };

    /// <summary>An option without a value.</summary>
    public static Option<bool> Flag(string name, string description) => new(name) { Arity = ArgumentArity.Zero, Description = description };

    /// <summary>The folder that --model names, else that of the model beside the program.</summary>
    public static string ModelFolder(this ParseResult parsed, Option<string?> model) => parsed.GetValue(model) ?? DefaultModel();

    /// <summary>An option that names a file or folder.</summary>
    public static Option<string?> Path(string name, string help, string description)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = help };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is "")
                result.AddError($"{name} is empty.");
        });
        return option;
    }

    /// <summary>An option that takes one of a few names; the first is the default and the enumeration's zero.</summary>
    public static Option<T> Choice<T>(string name, string description, IReadOnlyDictionary<string, T> choices)
        where T : struct, Enum => new(name)
        {
            Description = $"{description} (default {choices.First().Key})",
            HelpName = string.Join('|', choices.Keys),
            CustomParser = result => ParseChoice(result, name, choices) ?? default,
        };

    /// <summary>The same for an option whose default is not one of the names.</summary>
    public static Option<T?> OptionalChoice<T>(string name, string description, IReadOnlyDictionary<string, T> choices)
        where T : struct, Enum => new(name)
        {
            Description = description,
            HelpName = string.Join('|', choices.Keys),
            CustomParser = result => ParseChoice(result, name, choices),
        };

    /// <summary>An option with a number in a range that may be left out.</summary>
    public static Option<T?> OptionalNumber<T>(string name, string help, string description, NumberRange<T> range)
        where T : struct, INumberBase<T> => OptionalNumber(name, help, description, range.Holds, range.Text);

    /// <inheritdoc cref="OptionalNumber{T}(string, string, string, NumberRange{T})" />
    public static Option<T?> OptionalNumber<T>(string name, string help, string description, Func<T, bool> isValid, string range)
        where T : struct, INumberBase<T> => new(name)
        {
            Description = description,
            HelpName = help,
            CustomParser = result =>
            {
                string given = result.Tokens[0].Value;
                // Without thousands separators: 0,7 must not pass for 7.
                if (T.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && isValid(value))
                    return value;
                result.AddError($"{name} must be {range}, not '{given}'.");
                return null;
            },
        };

    private static T? ParseChoice<T>(ArgumentResult result, string name, IReadOnlyDictionary<string, T> choices)
        where T : struct, Enum
    {
        string given = result.Tokens[0].Value;
        if (choices.TryGetValue(given, out T value))
            return value;
        result.AddError($"Unknown {name[2..]} '{given}': use {string.Join(", ", choices.Keys)}.");
        return null;
    }

    /// <summary>The folder of the model that comes with the command.</summary>
    public static string DefaultModel()
    {
        string name = typeof(CommonOptions).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "DefaultModel").Value!;
        return System.IO.Path.Combine(AppContext.BaseDirectory, "models", name);
    }
}
