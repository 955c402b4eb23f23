using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AsArm.Server.Configuration;
using AsArm.Server.Models;
using AsArm.Server.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

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
            Task<HttpResponseMessage> first = PostAsync(server, leaving.Token);
            await WaitForUsersAsync(server, 2);
            await leaving.CancelAsync();
            await Assert.ThrowsAsync<OperationCanceledException>(() => first);
        }

        await WaitForUsersAsync(server, 1);
    }

    [TestMethod]
    public async Task Stop_WhileARequestIsUnderWay_LetsItEnd()
    {
        ServerOptions options = RunningServer.Options();
        options.MaxQueuedRequests = 1;
        await using RunningServer server = await RunningServer.StartAsync(options);
        using ModelGate gate = await ModelGate.CloseAsync(server);
        Task<HttpResponseMessage> request = PostAsync(server);
        await WaitForUsersAsync(server, 2);
        Task stopping = server.App.StopAsync();
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
        await WaitForUsersAsync(server, 2);
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

    private static Task<HttpResponseMessage> PostAsync(RunningServer server, CancellationToken cancellationToken = default) =>
        server.Client.PostAsJsonAsync("/v1/completions", new { prompt = "Tom was ", max_tokens = 2 }, cancellationToken);

    /// <summary>Until another request would be refused.</summary>
    private static async Task WaitUntilFullAsync(RunningServer server)
    {
        using var leaving = new CancellationTokenSource();
        var waiting = new List<Task<HttpResponseMessage>>();
        while (!waiting.Any(request => request is { IsCompletedSuccessfully: true, Result.StatusCode: HttpStatusCode.TooManyRequests }))
        {
            waiting.Add(PostAsync(server, leaving.Token));
            await Task.WhenAny(waiting[^1], Task.Delay(50));
        }

        await leaving.CancelAsync();
    }

    /// <summary>Until so many use the model, the gate among them.</summary>
    private static async Task WaitForUsersAsync(RunningServer server, int count)
    {
        ModelPool models = server.App.Services.GetRequiredService<ModelPool>();
        while (models.UsersOf(RunningServer.ModelName) != count)
            await Task.Delay(5);
    }
}
