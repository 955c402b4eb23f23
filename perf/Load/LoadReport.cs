using System.Globalization;
using AsArm.Perf.Results;

namespace AsArm.Perf.Load;

/// <summary>Prints the results as Markdown.</summary>
internal static class LoadReport
{
    public static void Print(LoadResults results)
    {
        Console.WriteLine("| clients | requests a second, to one client | tokens a second, to one client | p50 ms | p95 ms | p99 ms | answered | cancelled | hostile: 4xx | hostile: closed | wrong | of another request | other faults |");
        Console.WriteLine("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (LoadRow row in results.Rows)
        {
            Console.WriteLine($"| {row.Clients} | {row.Requests} | {row.Tokens} | {row.Median:F0} | {row.Percentile95:F0} | {row.Percentile99:F0} | {row.Answered} | {row.Cancelled} | "
                + $"{row.HostileRefused} | {row.HostileClosed} | {row.Wrong} | {row.OfAnotherRequest} | {row.OtherFaults} |");
        }

        Console.WriteLine();
        PrintMemory(results.Memory);
        Figure.Print(results.Figures);
    }

    /// <summary>The last lines.</summary>
    public static IEnumerable<Figure> FiguresOf(GapsOfOneLength gaps, MemoryResults memory, ConnectionFlood connections, LoadTally all)
    {
        yield return new("16 clients against one, texts of one length", gaps.Server.Value, gaps.Server.ToString());
        yield return new("16 sequences of the library against one", gaps.Library.Value, gaps.Library.ToString());
        yield return new("16 clients against 16 sequences of the library", gaps.SixteenAgainstLibrary.Value, gaps.SixteenAgainstLibrary.ToString());
        yield return new("one client against one sequence of the library", gaps.OneAgainstLibrary.Value, gaps.OneAgainstLibrary.ToString());
        yield return new("memory at the end against that after the warm-up", memory.Growth, Text(memory.Growth, "F2"));
        if (memory.HeapGrowth is double heap)
            yield return new("managed heap, the same", heap, Text(heap, "F2"));
        yield return new("connections at the same time", connections.Connections, $"{connections.Connections}: {connections.Answered} answered, {connections.TryAgain} refused with Retry-After, {connections.Faults} faults");
        yield return new("right answers", all.Right, $"{all.Right}");
        yield return new("wrong answers", all.Wrong, $"{all.Wrong}");
        yield return new("answers of another request", all.OfAnotherRequest, $"{all.OfAnotherRequest}");
        yield return new("other faults", all.OtherFaults, $"{all.OtherFaults}");
    }

    private static void PrintMemory(MemoryResults memory)
    {
        Console.WriteLine("| memory of the server, MB | resident | resident, no file's | managed heap |");
        Console.WriteLine("| --- | ---: | ---: | ---: |");
        foreach ((string when, MemoryReading reading) in ((string, MemoryReading)[])[("before the first request", memory.Start), ("after the warm-up", memory.WarmedUp), ("at the end", memory.End), ("after the connections", memory.AfterConnections)])
            Console.WriteLine($"| {when} | {reading.WorkingSet:F0} | {Text(reading.Anonymous, "F0")} | {Text(reading.ManagedHeap, "F1")} |");
        Console.WriteLine();
        Console.WriteLine($"Resident after each round: {string.Join(", ", memory.WorkingSets.Select(one => Text(one, "F0")))} MB.\n");
    }

    private static string Text(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
