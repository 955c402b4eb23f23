using System.Diagnostics;

namespace AsArm.Perf.Load;

/// <summary>A client with a connection of its own, which asks again when it has got its answer.</summary>
internal sealed class LoadClient : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(660); // longer than the server's own limit
    private readonly LoadSetting _setting;
    private readonly HttpClient _client;
    private readonly Random _random;
    private double _lastMilliseconds = 100;

    public LoadClient(LoadSetting setting, int seed)
    {
        (_setting, _random) = (setting, new Random(seed));
        _client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1, UseProxy = false }) { BaseAddress = setting.Server.Address, Timeout = s_limit };
    }

    /// <summary>One request, of which some are cancelled and some are hostile.</summary>
    /// <param name="tally">Takes what became of it.</param>
    /// <param name="over">Gives it up, without a trace.</param>
    /// <returns>Its number, where it was answered with 200.</returns>
    public async Task<int?> AskAsync(LoadTally tally, CancellationToken over)
    {
        double share = _random.NextDouble();
        if (share < _setting.HostileShare)
        {
            await AskHostileAsync(HostileRequests.Get(_random.Next(HostileRequests.Count)), tally, over);
            return null;
        }

        TimeSpan? limit = share < _setting.HostileShare + _setting.CancelledShare ? TimeSpan.FromMilliseconds(1.2 * _random.NextDouble() * _lastMilliseconds) : null;
        return await AskAsync(_setting.Numbers[_random.Next(_setting.Numbers.Count)], tally, limit, over);
    }

    /// <summary>Opens the connection.</summary>
    public async Task ConnectAsync() => _ = await _client.GetStringAsync("/alive");

    public void Dispose() => _client.Dispose();

    /// <summary>One request.</summary>
    /// <param name="number">Which.</param>
    /// <param name="tally">Takes what became of it.</param>
    /// <param name="limit">After this time it is cancelled; null for never.</param>
    /// <param name="over">Gives it up, without a trace.</param>
    /// <returns>The number, where it was answered with 200.</returns>
    public async Task<int?> AskAsync(int number, LoadTally tally, TimeSpan? limit = null, CancellationToken over = default)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(over);
        if (limit is TimeSpan time)
            leaving.CancelAfter(time);
        long start = Stopwatch.GetTimestamp();
        LoadRequest request = _setting.Expected.Request(number);
        try
        {
            (int status, bool hasRetryAfter, string answer) = await request.SendAsync(_client, leaving.Token);
            _lastMilliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (status != 200)
            {
                tally.AddRefusal(status, hasRetryAfter, $"{request.Kind}: {answer}");
                return null;
            }

            tally.AddAnswer(_setting.Expected.Check(number, _setting.Swap?.Pass(answer) ?? answer, out string difference), difference);
            return number;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            if (over.IsCancellationRequested)
                return null;
            if (leaving.IsCancellationRequested)
                tally.AddCancelled();
            else
                tally.AddFailure($"{request.Kind}: {error.Message}");
            return null;
        }
    }

    private async Task AskHostileAsync(HostileRequest request, LoadTally tally, CancellationToken over)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(over);
        limit.CancelAfter(s_limit);
        try
        {
            tally.AddHostile(await request.SendAsync(_setting.Server.Address, limit.Token), request.Name);
        }
        catch (Exception error) when (error is System.Net.Sockets.SocketException or OperationCanceledException)
        {
            if (!over.IsCancellationRequested)
                tally.AddFailure($"{request.Name}: {error.Message}");
        }
    }
}
