namespace AsArm.Perf.Load;

/// <summary>Many connections that are open at the same time and send a request each.</summary>
/// <param name="Connections">How many.</param>
/// <param name="Answered">Requests that were answered rightly.</param>
/// <param name="TryAgain">Requests that were refused with 429 or 503 and a time after which to try again.</param>
/// <param name="Faults">All others.</param>
internal sealed record ConnectionFlood(int Connections, int Answered, int TryAgain, int Faults)
{
    private const int OpenedAtATime = 50;

    /// <summary>Opens the connections, then asks on all of them at once.</summary>
    public static async Task<(ConnectionFlood Result, LoadTally Tally)> RunAsync(LoadSetting setting, int connections)
    {
        var tally = new LoadTally();
        LoadClient[] clients = [.. Enumerable.Range(0, connections).Select(i => new LoadClient(setting, i))];
        try
        {
            foreach (LoadClient[] some in clients.Chunk(OpenedAtATime))
                await Task.WhenAll(some.Select(client => client.ConnectAsync()));
            IReadOnlyList<int> numbers = setting.Expected.Fast;
            await Task.WhenAll(clients.Select((client, i) => client.AskAsync(numbers[i % numbers.Count], tally)));
        }
        finally
        {
            foreach (LoadClient client in clients)
                client.Dispose();
        }

        return (new(connections, tally.Right, tally.TryAgain, tally.Faults), tally);
    }
}
