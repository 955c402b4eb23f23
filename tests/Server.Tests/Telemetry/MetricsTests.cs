using System.Net;
using System.Net.Http.Headers;
using System.Text;
using AsArm.Assd.Tests.Support;
using AsArm.Server.Configuration;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.Telemetry;

/// <summary>GET /metrics, as Prometheus reads it.</summary>
[TestClass]
[DoNotParallelize] // all servers of the process count in it
public sealed class MetricsTests
{
    private const string Duration = "gen_ai_server_request_duration_seconds", FirstToken = "gen_ai_server_time_to_first_token_seconds", PerToken = "gen_ai_server_time_per_output_token_seconds";

    [TestMethod]
    public async Task Scrape_KnownRequests_CountsThem()
    {
        using var folder = new TemporaryFolder(RunningServer.ModelFolder);
        string model = Path.GetFileName(folder.Path); // as other tests of this process count too
        ServerOptions options = RunningServer.Options();
        (options.Metrics, options.Models) = (true, new() { [model] = folder.Path });
        await using RunningServer server = await RunningServer.StartAsync(options);
        double before = TokensOf(await Scrape.ReadUntilAsync(server.Client, all => TokensOf(all) > 0)); // of the pass that warms the model up
        await server.PostAsync("/v1/completions", new { prompt = "Tom was ", max_tokens = 5 });
        await server.PostAsync("/v1/completions", new { prompt = "Tom was ", max_tokens = 1 });
        await server.PostAsync("/v1/completions", new { prompt = "Tom was ", max_tokens = 0, echo = true, logprobs = 0 });
        await server.StreamAsync("/v1/completions", new { prompt = "Tom was ", max_tokens = 4, n = 2, stream = true });
        await server.PostAsync("/v1/infill", new { text = "Tom was <mask:3>.", samples = 2 });
        await server.StreamAsync("/v1/infill", new { text = "Tom was <mask:4>.", stream = true });
        await server.PostAsync("/infill", new { input_prefix = "Tom was ", n_predict = 3 });
        await server.StreamAsync("/api/generate", new { prompt = "Tom was ", options = new { num_predict = 2 } });
        await server.PostAsync("/v1/score", new { text = "Tom [[was]] here." });
        await server.PostAsync("/v1/candidates", new { text = "Tom <mask> here." });
        await server.PostAsync("/v1/tokenize", new { text = "Tom <mask> here." });
        await server.RefuseAsync("/v1/completions", new { prompt = "Tom was ", temperature = -1 });
        await server.RefuseAsync("/v1/completions", "no JSON");
        for (int i = 0; i < 3; i++)
            await server.RefuseAsync("/v1/completions", new { model = $"unknown-{i}", prompt = "Tom was " }, HttpStatusCode.NotFound);
        using var lines = new StringContent("{\"text\": \"Tom was <mask:2>.\"}\n{\"text\": \"Tom was <mask:2>.\"}\n{\"text\": 5}\n", Encoding.UTF8, "application/x-ndjson");
        using HttpResponseMessage answered = await server.Client.PostAsync("/v1/infill", lines);
        await answered.Content.ReadAsStringAsync();

        Sample[] samples = await Scrape.ReadUntilAsync(server.Client, all => Own(all, Duration + "_count").Sum(sample => sample.Value) == 18);
        Dictionary<(string, string, string), double> counts = Own(samples, Duration + "_count")
            .ToDictionary(sample => (sample["gen_ai_operation_name"], sample["gen_ai_request_model"], sample["error_type"]), sample => sample.Value);
        var expected = new Dictionary<(string, string, string), double>
        {
            [("text_completion", model, "")] = 10,
            [("score", model, "")] = 1,
            [("candidates", model, "")] = 1,
            [("text_completion", model, "invalid_value")] = 2,
            [("text_completion", "", "invalid_json")] = 1,
            [("text_completion", "", "model_not_found")] = 3,
        };
        CollectionAssert.AreEquivalent(expected, counts);
        Assert.IsTrue(Own(samples, Duration + "_count").All(sample => sample["gen_ai_provider_name"] == "asarm" && sample["gen_ai_response_model"] == (sample["error_type"].Length > 0 ? "" : model)));

        Assert.AreEqual(9, Own(samples, FirstToken + "_count").Single().Value);
        Assert.AreEqual(8, Own(samples, PerToken + "_count").Single().Value, "One has a single token.");
        Assert.AreEqual(5 + 1 + (2 * 4) + (2 * 3) + 4 + 3 + 2 + (2 * 2), TokensOf(samples) - before);
        double total = Own(samples, Duration + "_sum").Single(sample => sample["gen_ai_operation_name"] == "text_completion" && sample["error_type"].Length == 0).Value;
        double first = Own(samples, FirstToken + "_sum").Single().Value;
        Assert.IsTrue(first > 0 && first < total, $"{first} of {total} s");
        Assert.AreEqual("0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92 +Inf", BucketsOf(Duration));
        Assert.AreEqual("0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf", BucketsOf(FirstToken));
        Assert.AreEqual("0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 +Inf", BucketsOf(PerToken));
        Assert.IsTrue(samples.Any(sample => sample.Name == "http_server_request_duration_seconds_count" && sample["http_route"] == "/v1/score"));

        double TokensOf(Sample[] all) => all.Where(sample => sample.Name == "asarm_tokens_generated_total" && sample["asarm_model"] == model).Sum(sample => sample.Value);

        Sample[] Own(Sample[] all, string name) => [.. all.Where(sample => sample.Name == name && (sample["gen_ai_request_model"] == model || sample["gen_ai_request_model"].Length == 0))];

        string BucketsOf(string name) => string.Join(' ', Own(samples, name + "_bucket")
            .Where(sample => sample["gen_ai_operation_name"] == "text_completion" && sample["gen_ai_request_model"] == model && sample["error_type"].Length == 0).Select(sample => sample["le"]));
    }

    /// <summary>What is refused before it has a place, and requests of clients that go away, are counted by their kind.</summary>
    [TestMethod]
    public async Task Scrape_RefusedAndAbandonedRequests_CountsThemByKind()
    {
        ServerOptions options = RunningServer.Options();
        (options.Metrics, options.MaxQueuedRequests, options.MaxRequestsPerClient) = (true, 1, 2);
        await using RunningServer server = await RunningServer.StartAsync(options);
        using ModelGate gate = await ModelGate.CloseAsync(server);
        using var leaving = new CancellationTokenSource();
        using var body = new StringContent("""{"prompt": "Tom was ", "max_tokens": 2}""", Encoding.UTF8, "application/json");
        Task<HttpResponseMessage> waiting = server.Client.PostAsync("/v1/completions", body, leaving.Token);
        await server.WaitForUsersAsync(2);
        await Scrape.ReadUntilAsync(server.Client, samples => samples.Any(sample => sample.Name == "asarm_queue_length" && sample.Value > 0));
        await server.RefuseAsync("/v1/completions", new { prompt = "Tom was " }, HttpStatusCode.TooManyRequests);
        await leaving.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => waiting);
        Sample[] all = await Scrape.ReadUntilAsync(server.Client, samples => samples.Count(sample => sample.Name == Duration + "_count" && sample["error_type"].Length > 0) == 2);
        foreach (string kind in new[] { "queue_full", "cancelled" })
            Assert.AreEqual(1, all.Single(sample => sample.Name == Duration + "_count" && sample["error_type"] == kind).Value);
    }

    [TestMethod]
    public async Task Scrape_WithoutTheSetting_IsNoPath() =>
        Assert.AreEqual(HttpStatusCode.NotFound, (await SharedServer.Instance.Client.GetAsync("/metrics")).StatusCode);

    /// <summary>Where keys are asked for, Prometheus needs one too.</summary>
    [TestMethod]
    public async Task Scrape_WithKeys_NeedsOne()
    {
        ServerOptions options = RunningServer.Options();
        (options.Metrics, options.ApiKeys) = (true, ["first-key"]);
        await using RunningServer server = await RunningServer.StartAsync(options);
        using HttpResponseMessage refused = await server.Client.GetAsync("/metrics");
        Assert.AreEqual(HttpStatusCode.Unauthorized, refused.StatusCode);
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "first-key");
        Assert.IsNotEmpty(await Scrape.ReadUntilAsync(server.Client, samples => samples.Length > 0));
    }
}
