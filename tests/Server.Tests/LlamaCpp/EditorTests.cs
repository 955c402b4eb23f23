using System.Text.Json;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.LlamaCpp;

/// <summary>POST /infill, as editors' extensions send it.</summary>
[TestClass]
public sealed class EditorTests
{
    private static RunningServer Server => SharedServer.Instance;

    /// <summary>The fields that an extension for editors sends.</summary>
    [TestMethod]
    public async Task Infill_RequestOfAnEditor_IsFilled()
    {
        const string Body = """
            {"id_slot": 0, "input_prefix": "The old man went to the ", "input_suffix": " and slept.", "input_extra": [{"filename": "a.txt", "text": "Some text."}], "prompt": "big ",
             "n_predict": 4, "n_indent": 0, "top_k": 40, "top_p": 0.99, "stream": false, "samplers": ["top_k", "top_p", "infill"], "cache_prompt": true,
             "t_max_prompt_ms": 500, "t_max_predict_ms": 1000, "min_p": 0, "repeat_penalty": 1.0, "seed": 4}
            """;
        (System.Net.HttpStatusCode status, JsonElement answer) = await Server.SendAsync("/infill", Body);
        Assert.AreEqual(System.Net.HttpStatusCode.OK, status, answer.ToString());
        Assert.IsTrue(answer.GetProperty("stop").GetBoolean());
        Assert.AreEqual("eos", answer.GetProperty("stop_type").GetString());
        Assert.IsFalse(answer.GetProperty("truncated").GetBoolean());
        Assert.IsGreaterThan(0, answer.GetProperty("timings").GetProperty("prompt_n").GetInt32());
        JsonElement completion = await Server.PostAsync("/v1/completions", new { prompt = "The old man went to the big ", suffix = " and slept.", max_tokens = 4, seed = 4, top_k = 40, top_p = 0.99 });
        Assert.AreEqual(completion.GetProperty("choices")[0].GetProperty("text").GetString(), answer.GetProperty("content").GetString());
    }

    [TestMethod]
    public async Task Infill_Stream_AddsUp()
    {
        var body = new { input_prefix = "Once upon a time", n_predict = 8, seed = 3 };
        JsonElement whole = await Server.PostAsync("/infill", body);
        JsonElement[] parts = [.. (await Server.StreamAsync("/infill", new { body.input_prefix, body.n_predict, body.seed, stream = true })).Select(one => JsonElement.Parse(one))];
        Assert.AreEqual(whole.GetProperty("content").GetString(), string.Concat(parts.Select(part => part.GetProperty("content").GetString())));
        Assert.AreEqual("limit", parts[^1].GetProperty("stop_type").GetString());
        Assert.AreEqual(8, parts[^1].GetProperty("tokens_predicted").GetInt32());
        Assert.IsGreaterThan(2, parts.Length);
    }

    /// <summary>Of several parts of a stream the last one has the fields that are wanted; the text is in those before.</summary>
    [TestMethod]
    public async Task Infill_ResponseFields_AreThoseOfTheAnswerAtItsRoot()
    {
        string[] wanted = ["content", "timings/predicted_n", "timings", "nothing", "content/x", "", "content"];
        var body = new { input_prefix = "Once upon a time", n_predict = 4, seed = 3 };
        JsonElement all = await Server.PostAsync("/infill", body);
        JsonElement some = await Server.PostAsync("/infill", new { body.input_prefix, body.n_predict, body.seed, response_fields = wanted });
        CollectionAssert.AreEqual(wanted[..3], some.EnumerateObject().Select(field => field.Name).ToArray());
        Assert.AreEqual(all.GetProperty("content").GetString(), some.GetProperty("content").GetString());
        Assert.AreEqual(4, some.GetProperty("timings/predicted_n").GetInt32());
        List<string> parts = await Server.StreamAsync("/infill", new { body.input_prefix, body.n_predict, body.seed, response_fields = (string[])["stop_type"], stream = true });
        Assert.AreEqual("""{"stop_type":"limit"}""", parts[^1].Trim());
        Assert.AreEqual(all.GetProperty("content").GetString(), string.Concat(parts[..^1].Select(part => JsonElement.Parse(part).GetProperty("content").GetString())));
    }

    /// <summary>Editors send more context than a small model takes: what is far from the gap is left out.</summary>
    [TestMethod]
    public async Task Infill_LongContext_IsCutFarFromTheGap()
    {
        string prefix = string.Concat(Enumerable.Repeat("The dog ran to the house. ", 300)), suffix = string.Concat(Enumerable.Repeat(" Then she slept.", 300));
        JsonElement answer = await Server.PostAsync("/infill", new { input_prefix = prefix, input_suffix = suffix, n_predict = 3, seed = 1 });
        Assert.IsTrue(answer.GetProperty("truncated").GetBoolean());
        Assert.IsGreaterThan(80, answer.GetProperty("tokens_evaluated").GetInt32());
        Assert.IsLessThanOrEqualTo(128, answer.GetProperty("tokens_evaluated").GetInt32() + 3);
    }

    [TestMethod]
    public async Task Infill_NoTokens_IsEmpty()
    {
        JsonElement answer = await Server.PostAsync("/infill", new { input_prefix = "a", input_suffix = "b", n_predict = 0 });
        Assert.AreEqual("", answer.GetProperty("content").GetString());
    }

    [TestMethod]
    [DataRow("""{"input_prefix": 3}""", "input_prefix")]
    [DataRow("""{"input_prefix": "a", "n_predict": -2}""", "n_predict")]
    [DataRow("""{"input_prefix": "a", "grammar": "x"}""", "grammar")]
    [DataRow("""{"input_prefix": "a", "min_p": 0.05}""", "min_p")]
    [DataRow("""{"input_prefix": "a", "repeat_penalty": 1.1}""", "repeat_penalty")]
    [DataRow("""{"input_prefix": "a", "response_fields": [3]}""", "response_fields")]
    public async Task Infill_BadField_IsNamed(string body, string field) =>
        Assert.AreEqual(field, (await Server.RefuseAsync("/infill", body)).GetProperty("param").GetString());
}
