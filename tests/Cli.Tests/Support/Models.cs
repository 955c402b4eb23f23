using System.Reflection;
using System.Text.Json.Nodes;

namespace AsArm.Cli.Tests.Support;

/// <summary>The model folders beside the tests.</summary>
internal static class Models
{
    /// <summary>Random weights, 64 tokens, no tokenizer.</summary>
    public static string Tiny { get; } = In("tiny");

    /// <summary>The network of <see cref="Tiny" /> in a format of model folders: 3, which it has, or 1.</summary>
    public static string InFormat(int format) => format == 3 ? Tiny : In($"format-{format}");

    /// <summary>Random weights with a tokenizer, 128 tokens.</summary>
    public static string Text { get; } = In("text");

    /// <summary>A small network as float16, int8 or int4.</summary>
    public static string InPrecision(string precision) => In(precision);

    /// <summary>vocab.json and merges.txt of a byte-level BPE, whose ids are tokens of <see cref="Text" />.</summary>
    public static string ByteLevel { get; } = In("byte_level");

    /// <summary>The name that the command was built with.</summary>
    public static string DefaultName { get; } = Assembly.LoadFrom(AsarmCommand.Assembly)
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "DefaultModel").Value!;

    /// <summary>The model that comes with the command; its weights may be replaced, so nothing expects certain words of it.</summary>
    public static string Default { get; } = In(DefaultName);

    /// <summary>In tokens.</summary>
    public static int DefaultMaxLength { get; } = MaxLengthOf(Default);

    /// <summary>In tokens.</summary>
    public static int TextMaxLength { get; } = MaxLengthOf(Text);

    private static int MaxLengthOf(string folder) => (int)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "asarm.json")))!["maximum_length"]!;

    private static string In(string name) => Path.Combine(AppContext.BaseDirectory, "models", name);
}
