using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using AsArm.Assd.Tests.Support;
using AsArm.Server.Configuration;
using AsArm.Server.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace AsArm.Server.Tests.Telemetry;

/// <summary>Metrics and spans that are sent by OTLP.</summary>
[TestClass]
[DoNotParallelize] // all servers of the process are heard
public sealed class OtlpTests
{
    private const string Word = "Zanzibarian", Key = "key-of-this-test";

    [TestMethod]
    public async Task Export_Requests_AreSentWithoutTheirText()
    {
        using var folder = new TemporaryFolder(RunningServer.ModelFolder);
        await using OtlpReceiver receiver = await OtlpReceiver.StartAsync();
        await AnswerAsync(receiver, folder, _ => { });
        foreach (string path in new[] { "/v1/traces", "/v1/metrics" })
            Assert.IsNotEmpty(receiver.Posts.Where(post => post.Path == path && post.Type == "application/x-protobuf"));
        Assert.IsEmpty(receiver.Posts.Where(post => post.Path is not ("/v1/traces" or "/v1/metrics")), "Logs stay here.");
        foreach (string sent in new[] { "gen_ai.server.request.duration", "asarm.tokens.generated", "asarm.infill", "/v1/completions", "/v1/score", "service.name", Path.GetFileName(folder.Path) })
            Assert.AreNotEqual("", receiver.Around(sent), sent);
        Assert.AreEqual("", receiver.Around(Word));
        Assert.AreEqual("", receiver.Around(Key));
    }

    /// <summary>A span with the text of a request would be noticed.</summary>
    [TestMethod]
    public async Task Export_SpanWithText_IsNoticed()
    {
        using var folder = new TemporaryFolder(RunningServer.ModelFolder);
        await using OtlpReceiver receiver = await OtlpReceiver.StartAsync();
        await AnswerAsync(receiver, folder, services => services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddProcessor(new Tagging())));
        Assert.Contains($"The {Word} was", receiver.Around(Word));
    }

    /// <summary>A collector that is not there delays no answer.</summary>
    [TestMethod]
    public async Task Export_WithoutACollector_LeavesAnswersAlone()
    {
        ServerOptions options = RunningServer.Options();
        options.OtlpEndpoint = "http://127.0.0.1:1";
        await using RunningServer server = await RunningServer.StartAsync(options);
        await server.PostAsync("/v1/completions", new { prompt = "Tom was ", max_tokens = 1 });
    }

    /// <summary>Successful, refused and unknown requests with the word in all their parts; the server has ended then, and sent all.</summary>
    private static async Task AnswerAsync(OtlpReceiver receiver, TemporaryFolder folder, Action<IServiceCollection> configure)
    {
        ServerOptions options = RunningServer.Options(folder);
        (options.OtlpEndpoint, options.ApiKeys) = (receiver.Address, [Key]);
        await using RunningServer server = await RunningServer.StartAsync(options, configure);
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        server.Client.DefaultRequestHeaders.UserAgent.ParseAdd(Word);
        server.Client.DefaultRequestHeaders.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        server.Client.DefaultRequestHeaders.Add("tracestate", $"x={Word}");
        await server.PostAsync("/v1/completions", new { prompt = $"The {Word} was ", max_tokens = 3, user = Word });
        await server.StreamAsync("/v1/infill", new { text = $"The {Word} was <mask:3>.", stream = true, id = Word });
        await server.PostAsync("/v1/score", new { text = $"The [[{Word}]] was here." });
        await server.RefuseAsync("/v1/completions", new { prompt = $"The {Word} was ", stop = Word, temperature = -1 });
        await server.RefuseAsync("/v1/completions", new { model = Word, prompt = $"The {Word} was " }, HttpStatusCode.NotFound);
        await server.RefuseAsync("/v1/completions", $"{{\"{Word}\": 1}}");
        await server.RefuseAsync($"/v1/{Word}?{Word}={Word}", new { }, HttpStatusCode.NotFound);
        using HttpResponseMessage model = await server.Client.GetAsync($"/v1/models/{Word}?{Word}={Word}");
        Assert.AreEqual(HttpStatusCode.NotFound, model.StatusCode);
        using var request = new HttpRequestMessage(new HttpMethod(Word), "/v1/completions") { Content = new StringContent(Word, Encoding.UTF8, "application/json") };
        using HttpResponseMessage method = await server.Client.SendAsync(request);
        Assert.AreEqual(HttpStatusCode.MethodNotAllowed, method.StatusCode);
    }

    private sealed class Tagging : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => data.SetTag("prompt", $"The {Word} was ");
    }
}
