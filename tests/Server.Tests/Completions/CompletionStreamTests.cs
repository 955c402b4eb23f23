using System.Text.Json;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.Completions;

/// <summary>POST /v1/completions with "stream": true.</summary>
[TestClass]
public sealed class CompletionStreamTests
{
    private const string Path = "/v1/completions";

    private static RunningServer Server => SharedServer.Instance;

    [TestMethod]
    [DataRow("Once upon a time", null, false)]
    [DataRow("Once upon a time ", null, true)]
    [DataRow("", null, false)]
    [DataRow("A <mask:6> day <mask:2>.", null, false)]
    [DataRow("The cat ", " on the mat.", false)]
    public async Task Stream_Texts_AddUpToTheWholeAnswer(string prompt, string? suffix, bool echo)
    {
        var body = new { prompt, suffix, echo, max_tokens = 12, n = 2, seed = 5 };
        JsonElement whole = await Server.PostAsync(Path, body);
        List<string> events = await Server.StreamAsync(Path, new { body.prompt, body.suffix, body.echo, body.max_tokens, body.n, body.seed, stream = true });
        Assert.AreEqual("[DONE]", events[^1]);
        JsonElement[] parts = [.. events.SkipLast(1).Select(one => JsonElement.Parse(one))];
        Assert.AreEqual(whole.GetProperty("usage").ToString(), parts[^1].GetProperty("usage").ToString());
        Assert.IsTrue(Array.TrueForAll(parts, part => part.GetProperty("choices").GetArrayLength() == 1), "Clients read choices[0] of each event.");
        Assert.AreEqual(1, parts.Select(part => part.GetProperty("id").GetString()).Distinct().Count());
        for (int index = 0; index < 2; index++)
        {
            JsonElement[] choices = [.. parts.SelectMany(part => part.GetProperty("choices").EnumerateArray()).Where(choice => choice.GetProperty("index").GetInt32() == index)];
            Assert.AreEqual(whole.GetProperty("choices")[index].GetProperty("text").GetString(), string.Concat(choices.Select(choice => choice.GetProperty("text").GetString())));
            Assert.AreEqual(whole.GetProperty("choices")[index].GetProperty("finish_reason").GetString(), choices[^1].GetProperty("finish_reason").GetString());
            Assert.IsTrue(choices.SkipLast(1).All(choice => choice.GetProperty("finish_reason").ValueKind == JsonValueKind.Null));
            Assert.AreEqual(whole.GetProperty("choices")[index].GetProperty("seed").GetInt64(), choices[^1].GetProperty("seed").GetInt64());
            Assert.AreEqual(GapsOf(whole.GetProperty("choices")[index]), GapsOf(choices[^1]));
            if (suffix is null)
                Assert.IsGreaterThan(2, choices.Length, "It came in one piece.");
        }
    }

    /// <summary>A stop text that is divided between events is found, and nothing of it is sent.</summary>
    [TestMethod]
    public async Task Stream_Stop_IsThatOfTheWholeAnswer()
    {
        JsonElement free = await Server.PostAsync(Path, new { prompt = "Tom was ", max_tokens = 14, seed = 9 });
        string text = free.GetProperty("choices")[0].GetProperty("text").GetString()!;
        for (int from = 1; from + 6 < text.Length; from += 5)
        {
            string stop = text.Substring(from, 6);
            List<string> events = await Server.StreamAsync(Path, new { prompt = "Tom was ", max_tokens = 14, seed = 9, stop, stream = true });
            JsonElement[] choices = [.. events.SkipLast(1).Select(one => JsonElement.Parse(one)).SelectMany(part => part.GetProperty("choices").EnumerateArray())];
            Assert.AreEqual(text[..text.IndexOf(stop, StringComparison.Ordinal)], string.Concat(choices.Select(choice => choice.GetProperty("text").GetString())));
            Assert.AreEqual("stop", choices[^1].GetProperty("finish_reason").GetString());
            JsonElement whole = await Server.PostAsync(Path, new { prompt = "Tom was ", max_tokens = 14, seed = 9, stop });
            Assert.AreEqual(whole.GetProperty("usage").ToString(), JsonElement.Parse(events[^2]).GetProperty("usage").ToString());
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public async Task Stream_IncludeUsage_IsOpenAIs(bool include)
    {
        List<string> events = await Server.StreamAsync(Path, new { prompt = "Tom was ", max_tokens = 4, seed = 9, stream = true, stream_options = new { include_usage = include } });
        JsonElement[] parts = [.. events.SkipLast(1).Select(one => JsonElement.Parse(one))];
        JsonElement[] texts = [.. parts.Where(part => part.GetProperty("choices").GetArrayLength() > 0)];
        Assert.HasCount(include ? texts.Length + 1 : texts.Length, parts);
        Assert.IsTrue(Array.TrueForAll(texts, part => part.TryGetProperty("usage", out JsonElement usage) == include && (!include || usage.ValueKind == JsonValueKind.Null)));
        if (include)
            Assert.AreEqual(4, parts[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    /// <summary>With an echoed prompt nothing is sent before the request has its place: a status is still possible.</summary>
    [TestMethod]
    public async Task Stream_Echo_ComesWithTheFirstTokens()
    {
        List<string> events = await Server.StreamAsync(Path, new { prompt = "Tom was ", max_tokens = 6, seed = 9, stream = true, echo = true });
        string first = JsonElement.Parse(events[0]).GetProperty("choices")[0].GetProperty("text").GetString()!;
        Assert.StartsWith("Tom was ", first);
        Assert.IsGreaterThan("Tom was ".Length, first.Length);
    }

    private static string GapsOf(JsonElement choice) => choice.TryGetProperty("gaps", out JsonElement gaps) ? gaps.ToString() : "";

    [TestMethod]
    public async Task Stream_Logprobs_ComeWithTheWholeChoice()
    {
        List<string> events = await Server.StreamAsync(Path, new { prompt = "Tom was ", max_tokens = 4, seed = 9, stream = true, logprobs = 2 });
        JsonElement choice = JsonElement.Parse(events[0]).GetProperty("choices")[0];
        Assert.AreEqual(4, choice.GetProperty("logprobs").GetProperty("tokens").GetArrayLength());
        Assert.AreEqual("length", choice.GetProperty("finish_reason").GetString());
        Assert.HasCount(2, events);
    }

    /// <summary>What is wrong with a request is an answer with a status, not an event.</summary>
    [TestMethod]
    public async Task Stream_BadRequest_IsRefusedBeforeItBegins()
    {
        JsonElement error = await Server.RefuseAsync(Path, new { prompt = "a", stream = true, temperature = -1 });
        Assert.AreEqual("temperature", error.GetProperty("param").GetString());
    }
}
