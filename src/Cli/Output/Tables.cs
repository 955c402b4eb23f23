using AsArm.Cli.Streams;
using Spectre.Console;

namespace AsArm.Cli.Output;

/// <summary>Tables on standard output, plain where that is not a terminal.</summary>
internal static class Tables
{
    private const int RedirectedWidth = 160;

    public static Table Create(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Minimal };
        foreach (string column in columns)
            table.AddColumn(column);
        return table;
    }

    public static void Print(Table table, CommandStreams streams)
    {
        bool isRedirected = streams.IsOutputRedirected;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(streams.OutputWriter),
            Ansi = isRedirected ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = isRedirected ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (isRedirected)
            console.Profile.Width = RedirectedWidth;
        console.Write(table);
    }
}
