using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Server.Configuration;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests;

/// <summary>Full queues, deadlines, clients that go away, and the end of the server. A gate holds the model, so that nothing depends on its speed.</summary>
[TestClass]
public sealed class LoadTests
{
    [TestMethod]
    [DataRow(true, "queue_full")]
    [DataRow(false, "too_many_requests")]
    public async Task TooManyRequests_AreRefusedAndMayTryAgain(bool isQueue, string code)
    {
        ServerOptions options = RunningServer.Options();
        (options.MaxQueuedRequests, options.MaxRequestsPerClient) = isQueue ? (1, 64) : (64, 1);
        await using RunningServer server = await RunningServer.StartAsync(options);
        using ModelGate gate = await ModelGate.CloseAsync(server);
        Task<HttpResponseMessage>[] sent = [PostAsync(server), PostAsync(server)];
        using HttpResponseMessage refused = await await Task.WhenAny(sent);
        Assert.AreEqual(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.AreEqual(1, refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
        JsonElement error = (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error");
        Assert.AreEqual(code, error.GetProperty("code").GetString());
        gate.Open();
        HttpResponseMessage[] both = await Task.WhenAll(sent);
        Assert.AreEqual(1, both.Count(response => response.StatusCode == HttpStatusCode.OK));
        using HttpResponseMessage next = await PostAsync(server);
        Assert.AreEqual(HttpStatusCode.OK, next.StatusCode, "The place is free again.");
    }

    /// <summary>Lines are worked off as fast as it goes: a full queue makes them wait, where a request of its own is refused.</summary>
    [TestMethod]
    public async Task Lines_WhereTheQueueIsFull_WaitForPlaces()
    {
        ServerOptions options = RunningServer.Options();
        options.MaxQueuedRequests = 1;
        await using RunningServer server = await RunningServer.StartAsync(options);
        using ModelGate gate = await ModelGate.CloseAsync(server);
        using var body = new StringContent(string.Concat(Enumerable.Range(0, 5).Select(i => $$"""{"text": "Tom was <mask:2>.", "samples": 2, "seed": {{i}}}""" + "\n")), null, "application/x-ndjson");
        Task<HttpResponseMessage> lines = server.Client.PostAsync("/v1/infill", body);
        await WaitUntilFullAsync(server);
        gate.Open();
        using HttpResponseMessage response = await lines;
        string[] answers = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(5, answers);
        foreach ((int i, string answer) in answers.Index())
        {
            JsonElement samples = JsonElement.Parse(answer).GetProperty("samples");
            for (int sample = 0; sample < 2; sample++)
            {
                JsonElement alone = await server.PostAsync("/v1/infill", new { text = "Tom was <mask:2>.", seed = i + sample });
                Assert.AreEqual(alone.GetProperty("text").GetString(), samples[sample].GetProperty("text").GetString());
            }
        }
    }

    [TestMethod]
    public async Task Deadline_ThatIsOver_IsATimeout()
    {
        ServerOptions options = RunningServer.Options();
        options.RequestTimeoutSeconds = 0.1;
        await using RunningServer server = await RunningServer.StartAsync(options);
        using ModelGate gate = await ModelGate.CloseAsync(server);
        using HttpResponseMessage response = await PostAsync(server);
        Assert.AreEqual(HttpStatusCode.GatewayTimeout, response.StatusCode);
    }

    /// <summary>The request of a client that has gone away ends, though the model has not answered.</summary>
    [TestMethod]
    public async Task Client_ThatGoesAway_IsCancelled()
    {
        ServerOptions options = RunningServer.Options();
        options.MaxQueuedRequests = 1;
        await using RunningServer server = await RunningServer.StartAsync(options);
        using ModelGate gate = await ModelGate.CloseAsync(server);
        using (var leaving = new CancellationTokenSource())
        {
            Task<HttpResponseMessage> first = PostAsync(server, cancellationToken: leaving.Token);
            await server.WaitForUsersAsync(2);
            await leaving.CancelAsync();
            await Assert.ThrowsAsync<OperationCanceledException>(() => first);
        }

        await server.WaitForUsersAsync(1);
    }

    /// <summary>A request that waits gives its place in the queue back when its client goes away, whole answer or stream.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public async Task Client_ThatGoesAway_LeavesItsPlaceToOthers(bool stream)
    {
        using var folder = new TemporaryFolder(RunningServer.ModelFolder);
        ServerOptions options = RunningServer.Options(folder);
        (options.MaxQueuedRequests, options.MaxRequestsPerClient) = (1, 2);
        using var scheduler = new SchedulerListener(Path.GetFileName(folder.Path));
        await using RunningServer server = await RunningServer.StartAsync(options);
        using ModelGate gate = await ModelGate.CloseAsync(server);
        using var leaving = new CancellationTokenSource();
        Task<HttpResponseMessage> first = PostAsync(server, stream, leaving.Token);
        await Polling.UntilAsync(() => scheduler.Queued > 0, "a request that waits");
        using HttpResponseMessage refused = await PostAsync(server);
        Assert.AreEqual(HttpStatusCode.TooManyRequests, refused.StatusCode);
        await leaving.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => first);
        await server.WaitForUsersAsync(1);
        Task<HttpResponseMessage> next = PostAsync(server);
        await Task.WhenAny(next, server.WaitForUsersAsync(2)); // it is refused at once where the place was not given back
        gate.Open();
        using HttpResponseMessage response = await next;
        Assert.AreEqual(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>A stream under way ends in the scheduler when its client goes away, and not with its last token.</summary>
    [TestMethod]
    public async Task Client_ThatGoesAwayWithinAStream_EndsItsForwardPasses()
    {
        using var folder = new TemporaryFolder(RunningServer.ModelFolder);
        await using RunningServer server = await RunningServer.StartAsync(RunningServer.Options(folder));
        using var scheduler = new SchedulerListener(Path.GetFileName(folder.Path));
        for (int i = 0; i < 100; i++)
        {
            using var leaving = new CancellationTokenSource();
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(new { prompt = "Tom was ", max_tokens = 100, n = 8, stream = true }) };
            HttpResponseMessage response = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
            using ModelGate gate = await ModelGate.CloseAsync(server); // within the stream, unless it has been too fast
            int before = scheduler.Ended("cancelled");
            await leaving.CancelAsync();
            response.Dispose();
            await server.WaitForUsersAsync(1); // though no pass is run any more
            if (scheduler.Ended("cancelled") > before)
                return;
        }

        Assert.Fail("No stream was cancelled in the scheduler.");
    }

    [TestMethod]
    public async Task Stop_WhileARequestIsUnderWay_LetsItEnd()
    {
        ServerOptions options = RunningServer.Options();
        options.MaxQueuedRequests = 1;
        await using RunningServer server = await RunningServer.StartAsync(options);
        using ModelGate gate = await ModelGate.CloseAsync(server);
        Task<HttpResponseMessage> request = PostAsync(server);
        await server.WaitForUsersAsync(2);
        Task stopping = server.App.StopAsync();
        await RefusesConnectionsAsync(server);
        Assert.IsFalse(request.IsCompleted);
        gate.Open();
        using HttpResponseMessage response = await request;
        Assert.AreEqual(HttpStatusCode.OK, response.StatusCode);
        await stopping;
    }

    [TestMethod]
    public async Task Stop_AfterItsTime_CancelsWhatIsLeft()
    {
        ServerOptions options = RunningServer.Options();
        (options.MaxQueuedRequests, options.ShutdownTimeoutSeconds) = (1, 0.1);
        await using RunningServer server = await RunningServer.StartAsync(options);
        using ModelGate gate = await ModelGate.CloseAsync(server);
        Task<HttpResponseMessage> request = PostAsync(server);
        await server.WaitForUsersAsync(2);
        try
        {
            await server.App.StopAsync();
        }
        catch (OperationCanceledException)
        {
            // The host tells that its time was over.
        }

        try
        {
            using HttpResponseMessage response = await request;
            Assert.AreEqual(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        }
        catch (HttpRequestException)
        {
            // The connection was closed.
        }

        await server.WaitForUsersAsync(1); // it has ended, though the gate is closed
    }

    [TestMethod]
    public async Task ManyClients_GetTheirOwnAnswers()
    {
        string[] alone = new string[24];
        for (int seed = 0; seed < alone.Length; seed++)
            alone[seed] = await TextOfAsync(seed);
        string[] together = await Task.WhenAll(Enumerable.Range(0, alone.Length).Select(TextOfAsync));
        CollectionAssert.AreEqual(alone, together);
        Assert.IsGreaterThan(alone.Length / 2, alone.Distinct().Count());
    }

    private static async Task<string> TextOfAsync(int seed) =>
        (await SharedServer.Instance.PostAsync("/v1/infill", new { text = $"Tom was <mask:{(seed % 5) + 2}> and {seed}.", seed })).GetProperty("text").GetString()!;

    private static Task<HttpResponseMessage> PostAsync(RunningServer server, bool stream = false, CancellationToken cancellationToken = default) =>
        server.Client.PostAsJsonAsync("/v1/completions", new { prompt = "Tom was ", max_tokens = 2, stream }, cancellationToken);

    /// <summary>Until another request would be refused.</summary>
    private static async Task WaitUntilFullAsync(RunningServer server)
    {
        using var leaving = new CancellationTokenSource();
        var waiting = new List<Task<HttpResponseMessage>>();
        while (!waiting.Any(request => request is { IsCompletedSuccessfully: true, Result.StatusCode: HttpStatusCode.TooManyRequests }))
        {
            waiting.Add(PostAsync(server, cancellationToken: leaving.Token));
            await Task.WhenAny(waiting[^1], Task.Delay(50));
            Assert.IsLessThan(1_000, waiting.Count, "None was refused.");
        }

        await leaving.CancelAsync();
    }

    private static Task RefusesConnectionsAsync(RunningServer server) => Polling.UntilAsync(
        async () =>
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(server.Client.BaseAddress!.Host, server.Client.BaseAddress.Port);
                return false;
            }
            catch (SocketException)
            {
                return true;
            }
        },
        "a refused connection");
}
