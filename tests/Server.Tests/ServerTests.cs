using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using AsArm.Server.Configuration;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests;

/// <summary>What is the same for all endpoints.</summary>
[TestClass]
public sealed class ServerTests
{
    [TestMethod]
    public async Task Health_OpenModel_IsReady()
    {
        await SharedServer.Instance.PostAsync("/v1/completions", new { prompt = "a", max_tokens = 1 });
        Assert.AreEqual("ready", await SharedServer.Instance.Client.GetStringAsync("/health"));
        Assert.AreEqual("alive", await SharedServer.Instance.Client.GetStringAsync("/alive"));
    }

    [TestMethod]
    public async Task Models_AreListed()
    {
        using JsonDocument answer = JsonDocument.Parse(await SharedServer.Instance.Client.GetStringAsync("/v1/models"));
        JsonElement model = answer.RootElement.GetProperty("data")[0];
        Assert.AreEqual("list", answer.RootElement.GetProperty("object").GetString());
        Assert.AreEqual(RunningServer.ModelName, model.GetProperty("id").GetString());
        Assert.AreEqual("model", model.GetProperty("object").GetString());
    }

    [TestMethod]
    public async Task UnknownPath_IsAnErrorObject()
    {
        JsonElement error = await SharedServer.Instance.RefuseAsync("/v1/nothing", new { }, HttpStatusCode.NotFound);
        Assert.AreEqual("not_found", error.GetProperty("code").GetString());
    }

    [TestMethod]
    [DataRow(null, HttpStatusCode.Unauthorized)]
    [DataRow("Bearer wrong-key", HttpStatusCode.Unauthorized)]
    [DataRow("Basic first-key", HttpStatusCode.Unauthorized)]
    [DataRow("Bearer first-key", HttpStatusCode.OK)]
    [DataRow("bearer second-key", HttpStatusCode.OK)]
    public async Task Keys_OfClients_AreAskedFor(string? header, HttpStatusCode expected)
    {
        ServerOptions options = RunningServer.Options();
        options.ApiKeys = ["first-key", "second-key"];
        await using RunningServer server = await RunningServer.StartAsync(options);
        if (header is not null)
            server.Client.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(header);
        using HttpResponseMessage models = await server.Client.GetAsync("/v1/models");
        Assert.AreEqual(expected, models.StatusCode);
        (HttpStatusCode status, _) = await server.SendAsync("/v1/completions", """{"prompt": "a", "max_tokens": 0}""");
        Assert.AreEqual(expected, status);
        using HttpResponseMessage alive = await server.Client.GetAsync("/alive");
        Assert.AreEqual(HttpStatusCode.OK, alive.StatusCode);
    }

    [TestMethod]
    [DataRow("https://elsewhere.example", HttpStatusCode.Forbidden)]
    [DataRow("null", HttpStatusCode.Forbidden)]
    [DataRow("https://listed.example", HttpStatusCode.OK)]
    public async Task Origin_OfOtherPages_IsRefusedUnlessListed(string origin, HttpStatusCode expected)
    {
        ServerOptions options = RunningServer.Options();
        options.CorsOrigins = ["https://listed.example"];
        await using RunningServer server = await RunningServer.StartAsync(options);
        server.Client.DefaultRequestHeaders.Add("Origin", origin);
        using HttpResponseMessage response = await server.Client.GetAsync("/v1/models");
        Assert.AreEqual(expected, response.StatusCode);
        Assert.AreEqual(expected == HttpStatusCode.OK, response.Headers.Contains("Access-Control-Allow-Origin"));
    }

    /// <summary>A page that resolves a name of its own to this machine sends that name as the host.</summary>
    [TestMethod]
    public async Task Host_OfAnotherName_IsRefusedOnLoopback()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { Host = "attacker.example" } };
        using HttpResponseMessage response = await SharedServer.Instance.Client.SendAsync(request);
        Assert.AreEqual(HttpStatusCode.BadRequest, response.StatusCode);
    }

    /// <summary>By its length, before it is sent: a client that is still sending would see its connection end.</summary>
    [TestMethod]
    public async Task Body_ThatIsTooLarge_IsRefused()
    {
        using var handler = new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(2) };
        using var client = new HttpClient(handler) { BaseAddress = SharedServer.Instance.Client.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = new StringContent($$"""{"prompt":"{{new string('a', 1 << 20)}}"}""") };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.ExpectContinue = true;
        using HttpResponseMessage response = await client.SendAsync(request);
        Assert.AreEqual(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.AreEqual("body", answer.RootElement.GetProperty("error").GetProperty("param").GetString());
    }

    [TestMethod]
    public async Task Page_HasAStrictPolicy()
    {
        using HttpResponseMessage response = await SharedServer.Instance.Client.GetAsync("/");
        Assert.AreEqual(HttpStatusCode.OK, response.StatusCode);
        Assert.AreEqual("text/html", response.Content.Headers.ContentType!.MediaType);
        string policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy);
        Assert.DoesNotContain("unsafe", policy);
    }

    /// <summary>The time limit of a request holds for all of it, and its answer asks clients not to send it again.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(null)]
    public async Task Timeout_OfAllPasses_IsToldAndNotRepeated(int? logprobs)
    {
        ServerOptions options = RunningServer.Options();
        options.RequestTimeoutSeconds = 0.002;
        await using RunningServer server = await RunningServer.StartAsync(options);
        using HttpResponseMessage response = await server.Client.PostAsync(
            "/v1/completions", System.Net.Http.Json.JsonContent.Create(new { prompt = "Tom was ", n = 8, max_tokens = 90, logprobs }));
        Assert.AreEqual(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.AreEqual("false", response.Headers.GetValues("x-should-retry").Single());
    }

    [TestMethod]
    public async Task Method_ThatIsWrong_IsAnErrorObject()
    {
        using HttpResponseMessage response = await SharedServer.Instance.Client.GetAsync("/v1/completions");
        Assert.AreEqual(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.AreEqual("POST", response.Content.Headers.Allow.Single());
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.AreEqual("method_not_allowed", answer.RootElement.GetProperty("error").GetProperty("code").GetString());
    }

    [TestMethod]
    public async Task Model_ByName_IsDescribed()
    {
        using JsonDocument answer = JsonDocument.Parse(await SharedServer.Instance.Client.GetStringAsync("/v1/models/text"));
        Assert.AreEqual("text", answer.RootElement.GetProperty("id").GetString());
        using HttpResponseMessage other = await SharedServer.Instance.Client.GetAsync("/v1/models/none");
        Assert.AreEqual(HttpStatusCode.NotFound, other.StatusCode);
        using HttpResponseMessage head = await SharedServer.Instance.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/alive"));
        Assert.AreEqual(HttpStatusCode.OK, head.StatusCode);
    }

    /// <summary>An argument that no field has given is a defect, not the client's fault.</summary>
    [TestMethod]
    public void Refusal_OfAnArgument_IsTheClientsOnlyIfAFieldIsNamed()
    {
        Assert.AreEqual(500, Fields.Refusals.Of(new ArgumentException("x", "tokens"), "prompt").Status);
        Assert.AreEqual(500, Fields.Refusals.Of(new ArgumentOutOfRangeException("length"), "prompt").Status);
        Assert.AreEqual("top_p", Fields.Refusals.Of(new ArgumentOutOfRangeException("TopP"), "prompt").Field);
        Assert.AreEqual("\"top_p\" must be small.", Fields.Refusals.Of(new ArgumentOutOfRangeException("TopP", 3.0, "TopP must be small."), "prompt").Message);
    }
}
