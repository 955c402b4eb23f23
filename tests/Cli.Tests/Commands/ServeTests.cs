using System.Text;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>asarm serve as a process: it listens, answers, and ends by a signal.</summary>
[TestClass]
public sealed class ServeTests
{
    [TestMethod]
    public async Task Serve_OnAFreePort_AnswersUntilItIsInterrupted()
    {
        using AsarmProcess server = AsarmCommand.Open("serve", "--model", $"small={Models.Text}", "--port", "0", "--threads", "1", "--api-key", "a-secret-key", "--max-queue", "8");
        string line = server.ReadLine()!;
        Assert.StartsWith("listening on http://127.0.0.1:", line);
        Assert.EndsWith(", model small", line);
        using var client = new HttpClient { BaseAddress = new Uri(line.Split(' ')[2].TrimEnd(',')) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", "a-secret-key");
        using var body = new StringContent("""{"model": "small", "prompt": "Tom was <mask:2>."}""", Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await client.PostAsync("/v1/completions", body);
        Assert.Contains("\"text\":\"Tom was ", await answer.Content.ReadAsStringAsync());
        server.Interrupt();
        Assert.AreEqual(0, server.ExitCode());
    }

    [TestMethod]
    [DataRow("--port", "65536", "Port is 65536")]
    [DataRow("--host", "example", "Host is 'example'")]
    [DataRow("--device", "abacus!", "Device is 'abacus!'")]
    [DataRow("--model", "no/such/folder", "which is not a folder")]
    [DataRow("--config", "no/such/file.json", "no/such/file.json")]
    [DataRow("--api-key", "short", "ApiKeys has a key of less than 8 characters")]
    [DataRow("--api-key-file", "no/such/file", "ApiKeyFile no/such/file cannot be read")]
    [DataRow("--cors-origin", "example.org/x", "CorsOrigins has 'example.org/x'")]
    [DataRow("--threads", "0", "Threads is 0")]
    [DataRow("--memory-budget", "0", "MemoryBudgetMb is 0")]
    [DataRow("--reload", "0", "ReloadSeconds is 0")]
    [DataRow("--request-timeout", "0", "RequestTimeoutSeconds is 0")]
    [DataRow("--shutdown-timeout", "-1", "ShutdownTimeoutSeconds is -1")]
    [DataRow("--otlp", "collector:4318", "OtlpEndpoint is 'collector:4318'")]
    [DataRow("--max-queue", "0", "MaxQueuedRequests is 0")]
    public void Serve_BadSetting_IsNamed(string option, string value, string message)
    {
        AsarmResult result = AsarmCommand.Run("serve", option, value);
        Assert.AreEqual(2, result.ExitCode, result.Error);
        Assert.Contains(message, result.Error);
    }
}
