using System.Globalization;

namespace AsArm.Perf.Load;

/// <summary>The options of `perf -- load`.</summary>
internal sealed record LoadOptions
{
    private const string Usage =
        "perf -- load takes --model DIR or --base, --clients N,N,..., --seconds S (of each number of clients), --rounds N, --length N (tokens of a text at most), --connections N, --json FILE, --mix-up.";

    /// <summary>The model folder; null for the default model or, with <see cref="IsBase" />, the one of base size.</summary>
    public string? Model { get; private init; }

    /// <summary>Whether a model of XLNet-base size with random weights is measured.</summary>
    public bool IsBase { get; private init; }

    /// <summary>The numbers of clients; one is always among them.</summary>
    public IReadOnlyList<int> Clients { get; private init; } = [1, 2, 4, 8, 16, 32, 64];

    /// <summary>Seconds of each number of clients, all rounds together.</summary>
    public double Seconds { get; private init; } = 60;

    /// <summary>How often all numbers of clients take turns.</summary>
    public int Rounds { get; private init; } = 6;

    /// <summary>Tokens that a text has at most, gaps included.</summary>
    public int Length { get; private init; } = 128;

    /// <summary>Connections at the same time, at the end.</summary>
    public int Connections { get; private init; } = 1000;

    /// <summary>Where the results are written; null for nowhere.</summary>
    public string? Json { get; private init; }

    /// <summary>Whether answers are mixed up on purpose, which has to be noticed.</summary>
    public bool MixUp { get; private init; }

    /// <summary>Seconds of one turn of a number of clients.</summary>
    public double SlotSeconds => Seconds / Rounds;

    /// <summary>The options; null, after a message on standard error, where they are wrong.</summary>
    public static LoadOptions? Parse(IReadOnlyList<string> arguments)
    {
        try
        {
            var options = new LoadOptions();
            for (int i = 0; i < arguments.Count; i++)
                options = arguments[i] is "--base" or "--mix-up" ? options.With(arguments[i], "") : options.With(arguments[i], arguments[++i]);
            return options is { Seconds: > 0, Rounds: > 0, Length: >= 32, Connections: >= 0 } && options.Clients.All(count => count > 0) ? options : Refuse();
        }
        catch (Exception error) when (error is ArgumentException or FormatException or OverflowException)
        {
            return Refuse();
        }
    }

    private LoadOptions With(string option, string value) => option switch
    {
        "--base" => this with { IsBase = true },
        "--mix-up" => this with { MixUp = true },
        "--model" => this with { Model = value },
        "--json" when Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(value))) => this with { Json = value },
        "--clients" => this with { Clients = [.. value.Split(',').Select(Integer).Append(1).Distinct().Order()] },
        "--seconds" => this with { Seconds = double.Parse(value, CultureInfo.InvariantCulture) },
        "--rounds" => this with { Rounds = Integer(value) },
        "--length" => this with { Length = Integer(value) },
        "--connections" => this with { Connections = Integer(value) },
        _ => throw new ArgumentException(option),
    };

    private static int Integer(string value) => int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);

    private static LoadOptions? Refuse()
    {
        Console.Error.WriteLine(Usage);
        return null;
    }
}
