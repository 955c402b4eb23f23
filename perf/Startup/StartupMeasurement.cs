using AsArm.Perf.Results;

namespace AsArm.Perf.Startup;

/// <summary>`perf -- startup`: from the start of a process to its first filled gap, against an empty program that opens a session over the same graph, by turns.</summary>
internal static class StartupMeasurement
{
    private const int Turns = 21;
    private const string Model = "models/english-18m", Programs = "perf/Startup/Programs/";
    private const string Text = "Once there was a <mask> who lived in a small village.";

    public static int Run(string[] arguments)
    {
        if (Arguments.Parse("startup", arguments, "--json") is not { } options)
            return 2;
        DirectoryInfo output = Directory.CreateTempSubdirectory("asarm-startup-");
        try
        {
            var machine = Machine.Current();
            Console.WriteLine($"{machine}; {Model}, {Turns} turns.\n");
            StartupRow[] rows = [.. Measure(output.FullName)];
            Print(rows);
            if (options.TryGetValue("--json", out string? json))
                ResultFile.Write(json, new StartupResults(machine, Model, Turns, rows));
            return 0;
        }
        finally
        {
            output.Delete(recursive: true);
        }
    }

    private static IEnumerable<StartupRow> Measure(string output)
    {
        string model = Path.Combine(Exports.RepositoryRoot(), Model), graph = Path.Combine(model, "model_cached.onnx");
        bool[] kinds = [true, false];
        (string Name, bool ReadyToRun, StartupProgram Program)[] programs =
        [
            .. kinds.Select(kind => ("library", kind, StartupProgram.Publish(Programs + "FirstGap", "FirstGap", output, kind, model))),
            ("asarm infill", true, StartupProgram.Publish("src/Cli", "asarm", output, true, "infill", Text, "--seed", "3")),
        ];
        StartupProgram[] empty = [.. kinds.Select(kind => StartupProgram.Publish(Programs + "EmptySession", "EmptySession", output, kind, graph))];
        StartupProgram[] all = [.. programs.Select(program => program.Program), .. empty];
        List<double>[] times = [.. all.Select(_ => new List<double>())];
        for (int turn = -1; turn < Turns; turn++) // the first reads files into memory and does not count
        {
            foreach (int index in turn % 2 == 0 ? Enumerable.Range(0, all.Length) : Enumerable.Range(0, all.Length).Reverse())
            {
                double time = all[index].Measure();
                if (turn >= 0)
                    times[index].Add(time);
            }
        }

        for (int i = 0; i < programs.Length; i++)
        {
            List<double> other = times[programs.Length + Array.IndexOf(kinds, programs[i].ReadyToRun)];
            yield return new(
                programs[i].Name,
                programs[i].ReadyToRun ? "ReadyToRun" : "compiled while it runs",
                MedianInterval.Of(times[i]).Value,
                MedianInterval.Of(other).Value,
                MedianInterval.Of(times[i].Zip(other, (own, empty) => own / empty)));
        }
    }

    private static void Print(StartupRow[] rows)
    {
        Console.WriteLine("| program | published | ms to the first gap | ms of the empty program | ratio (95 %) |");
        Console.WriteLine("| --- | --- | ---: | ---: | ---: |");
        foreach (StartupRow row in rows)
            Console.WriteLine($"| {row.Program} | {row.Publish} | {row.Milliseconds:F0} | {row.EmptyMilliseconds:F0} | {row.Ratio} |");
    }
}
