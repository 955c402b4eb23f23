using System.Text.Json;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.Ollama;

/// <summary>POST /api/generate, as Ollama's clients send it.</summary>
[TestClass]
public sealed class GenerateTests
{
    private static RunningServer Server => SharedServer.Instance;

    [TestMethod]
    public async Task Generate_Suffix_IsFilled()
    {
        JsonElement answer = await Server.PostAsync("/api/generate", new
        {
            model = "text:latest",
            prompt = "The cat sat on ",
            suffix = " mat.",
            stream = false,
            keep_alive = "5m",
            options = new { num_predict = 4, seed = 5, temperature = 1, top_p = 0.9, num_ctx = 2048, mirostat = 0, typical_p = 1.0 },
        });
        JsonElement completion = await Server.PostAsync("/v1/completions", new { prompt = "The cat sat on ", suffix = " mat.", max_tokens = 4, seed = 5, top_p = 0.9 });
        Assert.AreEqual(completion.GetProperty("choices")[0].GetProperty("text").GetString(), answer.GetProperty("response").GetString());
        Assert.AreEqual("stop", answer.GetProperty("done_reason").GetString());
        Assert.IsTrue(answer.GetProperty("done").GetBoolean());
        Assert.AreEqual(completion.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), answer.GetProperty("eval_count").GetInt32());
    }

    [TestMethod]
    public async Task Generate_ByDefault_IsAStreamOfLines()
    {
        JsonElement[] lines = [.. (await Server.StreamAsync("/api/generate", new { prompt = "Once upon a time", options = new { num_predict = 6, seed = 2 } })).Select(one => JsonElement.Parse(one))];
        JsonElement whole = await Server.PostAsync("/api/generate", new { prompt = "Once upon a time", stream = false, options = new { num_predict = 6, seed = 2 } });
        Assert.AreEqual(whole.GetProperty("response").GetString(), string.Concat(lines.Select(line => line.GetProperty("response").GetString())));
        Assert.IsTrue(lines[^1].GetProperty("done").GetBoolean());
        Assert.AreEqual("length", lines[^1].GetProperty("done_reason").GetString());
        Assert.IsGreaterThan(2, lines.Length);
    }

    /// <summary>The error is a string, as Ollama's clients expect it.</summary>
    [TestMethod]
    [DataRow("""{"prompt": "a", "options": {"temperature": -1}}""", "options.temperature")]
    [DataRow("""{"prompt": "a", "options": {"mirostat": 1}}""", "options.mirostat")]
    [DataRow("""{"prompt": "a", "options": {"typical_p": 0.5}}""", "options.typical_p")]
    [DataRow("""{"prompt": "a", "logprobs": true}""", "logprobs")]
    [DataRow("""{"prompt": "a", "system": "Be nice."}""", "system")]
    [DataRow("""{"prompt": "a", "format": "json"}""", "format")]
    public async Task Generate_BadField_IsNamed(string body, string field)
    {
        (System.Net.HttpStatusCode status, JsonElement answer) = await Server.SendAsync("/api/generate", body);
        Assert.AreEqual(System.Net.HttpStatusCode.BadRequest, status);
        Assert.Contains($"\"{field}\"", answer.GetProperty("error").GetString()!);
    }

    [TestMethod]
    public async Task Tags_AreTheModels()
    {
        using JsonDocument answer = JsonDocument.Parse(await Server.Client.GetStringAsync("/api/tags"));
        Assert.AreEqual("text", answer.RootElement.GetProperty("models")[0].GetProperty("name").GetString());
    }
}
