using System.Globalization;
using AsArm.Perf.Results;

namespace AsArm.Perf.Load;

/// <summary>`perf -- load`: `asarm serve` under the load of 1 to 64 clients, of which some go away and some send nonsense. Each answer is held against that of its request alone.</summary>
internal static class LoadMeasurement
{
    private const int Requests = 112, BaseLength = 512;
    private const double CancelledShare = 0.10, HostileShare = 0.05;

    /// <returns>0, or 1 if an answer was wrong or of another request, a status must not have been, or the server crashed.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (LoadOptions.Parse(arguments) is not { } options)
            return 2;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        string model = options.Model ?? (options.IsBase ? Exports.BaseWithTokenizer(BaseLength) : Path.Combine(Exports.RepositoryRoot(), "models", "english-18m"));
        var machine = Machine.Current();
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(model));
        Console.WriteLine($"{machine}; {name}, texts of up to {options.Length} tokens, {options.Rounds} rounds of {options.SlotSeconds:0.#} s.\n");
        using var server = ServerProcess.Start(model);
        var all = new LoadTally();
        LoadResults results = await MeasureAsync(server, model, options, all, machine, name);
        if (options.Json is string json)
            ResultFile.Write(json, results);
        LoadReport.Print(results);
        return EndsWell(server, all) ? 0 : 1;
    }

    private static async Task<LoadResults> MeasureAsync(ServerProcess server, string model, LoadOptions options, LoadTally all, Machine machine, string name)
    {
        await server.WaitUntilReadyAsync();
        var start = await MemoryReading.AtRestAsync(server);
        ExpectedAnswers expected = await ExpectedAnswers.AskAsync(server.Address, RequestMix.Create(Requests, options.Length));
        using GapsOfOneLength gaps = await GapsOfOneLength.OpenAsync(server, model, options.Length);
        var setting = new LoadSetting(server, expected, [.. Enumerable.Range(0, expected.Count)]) { CancelledShare = CancelledShare, HostileShare = HostileShare, Swap = options.MixUp ? new AnswerSwap() : null };
        all.Add((await LoadSlot.RunAsync(setting, options.Clients[^1], 2 * options.SlotSeconds, seed: -1)).Tally);
        var warmedUp = await MemoryReading.AtRestAsync(server);
        Dictionary<int, List<LoadSlot>> slots = options.Clients.ToDictionary(clients => clients, _ => new List<LoadSlot>());
        var workingSets = new List<double>();
        for (int round = 0; round < options.Rounds; round++)
        {
            foreach (int clients in round % 2 == 0 ? options.Clients : options.Clients.Reverse())
            {
                LoadSlot slot = await LoadSlot.RunAsync(setting, clients, options.SlotSeconds, seed: round);
                slots[clients].Add(slot);
                all.Add(slot.Tally);
            }

            await gaps.RunAsync(options.SlotSeconds, round, all);
            workingSets.Add(MemoryReading.WorkingSetOf(server));
        }

        var end = await MemoryReading.AtRestAsync(server);
        (ConnectionFlood connections, LoadTally flood) = await ConnectionFlood.RunAsync(setting, options.Connections);
        all.Add(flood);
        await AskAllAsync(setting, all);
        var memory = new MemoryResults(start, warmedUp, end, await MemoryReading.AtRestAsync(server), workingSets);
        LoadRow[] rows = [.. options.Clients.Select(clients => LoadRow.Of(clients, slots[clients], slots[1]))];
        return new(machine, name, options.Length, expected.Count, options.Seconds, options.Rounds, rows, gaps.Server, gaps.Library, gaps.SixteenAgainstLibrary, gaps.OneAgainstLibrary,
            memory, connections, [.. LoadReport.FiguresOf(gaps, memory, connections, all)]);
    }

    /// <summary>All requests once more, one after the other.</summary>
    private static async Task AskAllAsync(LoadSetting setting, LoadTally tally)
    {
        using var client = new LoadClient(setting, seed: 0);
        foreach (int number in setting.Numbers)
            await client.AskAsync(number, tally);
    }

    private static bool EndsWell(ServerProcess server, LoadTally all)
    {
        foreach (string fault in all.FirstFaults)
            Console.Error.WriteLine(fault);
        foreach (string failure in server.Failures)
            Console.Error.WriteLine($"server: {failure}");
        bool hasCrashed = server.HasExited;
        int? code = server.Stop();
        bool hasStopped = !hasCrashed && (code == 0 || (code is null && OperatingSystem.IsWindows())); // which has no signal to stop
        if (!hasStopped)
            Console.Error.WriteLine(hasCrashed || code is not null ? $"The server {(hasCrashed ? "crashed" : "ended")} with {code}." : "The server did not stop.");
        return all.Faults == 0 && server.Failures.Count == 0 && hasStopped;
    }
}
