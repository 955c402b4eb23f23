using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using AsArm.Server.Configuration;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.Configuration;

/// <summary>Settings have effects: those that no other test uses. Queues, time limits, keys, origins, memory, reloads and metrics have tests of their own.</summary>
[TestClass]
public sealed class SettingsTests
{
    [TestMethod]
    public async Task Host_All_ListensOnAllAddresses()
    {
        ServerOptions options = RunningServer.Options();
        options.Host = "*";
        await using RunningServer server = await RunningServer.StartAsync(options);
        Assert.DoesNotContain("127.0.0.1", AsArmServer.AddressOf(server.App));
        Assert.StartsWith("http://127.0.0.1:", AsArmServer.AddressOf(SharedServer.Instance.App));
    }

    [TestMethod]
    public async Task Port_ThatIsNotFree_IsToldOf()
    {
        ServerOptions options = RunningServer.Options();
        options.Port = SharedServer.Instance.Client.BaseAddress!.Port;
        ServerConfigurationException error = await Assert.ThrowsExactlyAsync<ServerConfigurationException>(() => AsArmServer.RunAsync(options, _ => { }, CancellationToken.None));
        Assert.Contains($"127.0.0.1:{options.Port}", error.Message);
    }

    [TestMethod]
    public async Task DefaultModel_AnswersRequestsWithoutAName()
    {
        ServerOptions options = RunningServer.Options();
        options.Models = new() { ["first"] = RunningServer.ModelFolder, ["second"] = RunningServer.ModelFolder };
        options.DefaultModel = "second";
        await using RunningServer server = await RunningServer.StartAsync(options);
        Assert.AreEqual("second", (await server.PostAsync("/v1/completions", new { prompt = "a", max_tokens = 1 })).GetProperty("model").GetString());
    }

    [TestMethod]
    [DataRow("name.example", HttpStatusCode.OK)]
    [DataRow("localhost", HttpStatusCode.BadRequest)]
    public async Task AllowedHosts_AreTheNamesThatClientsMayUse(string host, HttpStatusCode expected)
    {
        ServerOptions options = RunningServer.Options();
        options.AllowedHosts = ["name.example"];
        await using RunningServer server = await RunningServer.StartAsync(options);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/alive") { Headers = { Host = host } };
        using HttpResponseMessage response = await server.Client.SendAsync(request);
        Assert.AreEqual(expected, response.StatusCode);
    }

    [TestMethod]
    public async Task MaxConnections_FurtherOnesAreClosed()
    {
        ServerOptions options = RunningServer.Options();
        options.MaxConnections = 1;
        await using RunningServer server = await RunningServer.StartAsync(options);
        using (TcpClient first = await ConnectAsync(server))
        {
            Assert.IsTrue(await IsAnsweredAsync(first));
            using TcpClient second = await ConnectAsync(server);
            Assert.IsFalse(await IsAnsweredAsync(second));
            Assert.IsTrue(await IsAnsweredAsync(first));
        }

        await Polling.UntilAsync(
            async () =>
            {
                using TcpClient third = await ConnectAsync(server);
                return await IsAnsweredAsync(third);
            },
            "an answer once the first connection is gone");
    }

    [TestMethod]
    [DataRow("""{"prompt": "a", "max_tokens": 6}""", "max_tokens")]
    [DataRow("""{"prompt": "a <mask:6>"}""", "prompt")]
    [DataRow("""{"prompt": "a", "n": 3}""", "n")]
    [DataRow("""{"prompt": ["a", "b", "c"]}""", "prompt")]
    [DataRow("""{"prompt": "a <mask:1-5> b"}""", "prompt")]
    [DataRow("""{"prompt": "a <mask:1-4> b"}""", null)]
    public async Task MaxTokens_MaxSamples_MaxUnknownTokens_AreLimits(string body, string? field)
    {
        ServerOptions options = RunningServer.Options();
        (options.MaxTokens, options.MaxSamples, options.MaxUnknownTokens) = (5, 2, 4);
        await using RunningServer server = await RunningServer.StartAsync(options);
        if (field is null)
            await server.PostAsync("/v1/completions", JsonElement.Parse(body));
        else
            Assert.AreEqual(field, (await server.RefuseAsync("/v1/completions", body)).GetProperty("param").GetString());
    }

    [TestMethod]
    public async Task MaxBodyBytes_IsTheLimitOfABody()
    {
        ServerOptions options = RunningServer.Options();
        options.MaxBodyBytes = 1024;
        await using RunningServer server = await RunningServer.StartAsync(options);
        using TcpClient client = await ConnectAsync(server);
        await client.GetStream().WriteAsync("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1025\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(client.GetStream());
        Assert.StartsWith("HTTP/1.1 413 ", await reader.ReadLineAsync());
    }

    [TestMethod]
    public async Task Device_ThatIsNotThere_EndsTheServer()
    {
        ServerOptions options = RunningServer.Options();
        options.Device = "coreml";
        ServerConfigurationException error = await Assert.ThrowsExactlyAsync<ServerConfigurationException>(() => AsArmServer.RunAsync(options, _ => { }, CancellationToken.None));
        Assert.Contains("coreml", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<TcpClient> ConnectAsync(RunningServer server)
    {
        var client = new TcpClient();
        await client.ConnectAsync(server.Client.BaseAddress!.Host, server.Client.BaseAddress.Port);
        return client;
    }

    /// <summary>Whether a request on a connection is answered, and the connection not closed.</summary>
    private static async Task<bool> IsAnsweredAsync(TcpClient client)
    {
        try
        {
            await client.GetStream().WriteAsync("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
            byte[] buffer = new byte[4096];
            return await client.GetStream().ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromMinutes(1)) > 0;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
