using Spectre.Console;

namespace AsArm.Cli.Output;

/// <summary>Tables on standard output, plain where that is no terminal.</summary>
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

    public static void Print(Table table)
    {
        IAnsiConsole console = AnsiConsole.Console;
        if (Console.IsOutputRedirected)
            console.Profile.Width = RedirectedWidth;
        console.Write(table);
    }
}
