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

    [TestMethod]
    public async Task Body_ThatIsTooLarge_IsRefused()
    {
        JsonElement error = await SharedServer.Instance.RefuseAsync("/v1/completions", new { prompt = new string('a', 1 << 20) }, HttpStatusCode.RequestEntityTooLarge);
        Assert.AreEqual("body", error.GetProperty("param").GetString());
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
}
