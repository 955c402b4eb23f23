using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Models;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.Infilling;

/// <summary>POST /v1/infill.</summary>
[TestClass]
public sealed class InfillTests
{
    private const string Path = "/v1/infill";

    private static RunningServer Server => SharedServer.Instance;

    [TestMethod]
    public async Task Infill_Text_HasTheFieldsOfJsonLines()
    {
        JsonElement answer = await Server.PostAsync(Path, new { id = new { a = 1 }, text = "Tom was <mask:2> and <mask>.", seed = 7, temperature = 0.8, top_k = 50, top_p = 0.9, sampler = "assd", draft_length = 3, scores = true });
        using ModelLease model = await Server.RentAsync();
        InfillResult expected = await model.Infiller.InfillAsync(
            "Tom was <mask:2> and <mask>.", new InfillOptions { Seed = 7, Temperature = 0.8, TopK = 50, TopP = 0.9, Sampler = SamplerKind.Assd, DraftLength = 3 });
        Assert.AreEqual("""{"a":1}""", answer.GetProperty("id").GetRawText());
        Assert.AreEqual(expected.Text, answer.GetProperty("text").GetString());
        CollectionAssert.AreEqual(expected.Gaps.Select(gap => gap.Text).ToArray(), answer.GetProperty("gaps").EnumerateArray().Select(gap => gap.GetString()).ToArray());
        Assert.AreEqual(expected.Statistics.LogProbability, answer.GetProperty("log_prob").GetDouble(), 1e-9);
        Assert.AreEqual(expected.Statistics.Nfe, answer.GetProperty("nfe").GetInt32());
        Assert.AreEqual(7, answer.GetProperty("seed").GetInt64());
        Assert.AreEqual("assd", answer.GetProperty("sampler").GetString());
        Assert.AreEqual("text", answer.GetProperty("model").GetString());
        JsonElement[] tokens = [.. answer.GetProperty("token_scores")[0].EnumerateArray().SelectMany(gap => gap.EnumerateArray())];
        Assert.HasCount(3, tokens);
        Assert.AreEqual(expected.Statistics.LogProbability, tokens.Sum(token => token.GetProperty("log_prob").GetDouble()), 1e-9);
        foreach (JsonElement token in tokens)
        {
            string text = token.GetProperty("text").GetString()!;
            Assert.AreEqual(text, expected.Text.Substring(token.GetProperty("start").GetInt32(), text.Length));
        }
    }

    /// <summary>Each of them changes the answer as the option of the library does.</summary>
    [TestMethod]
    public async Task Infill_OptionsOfGaps_AreThoseOfTheLibrary()
    {
        const string Text = "Tom was <mask:1-3> and <mask>.";
        (object Field, InfillOptions Options)[] cases =
        [
            (new { text = Text, seed = 5, length_prior = "poisson:2", length_fillings = 2, length_suffix = 3 }, new() { Lengths = new() { Prior = LengthPrior.Poisson(2), Fillings = 2, SuffixTokens = 3 } }),
            (new { text = Text, seed = 5, no_punctuation = true, no_digits = true, no_capitals = true, particles = 4 },
                new() { ExcludedCharacters = CharacterKinds.Punctuation | CharacterKinds.Digits | CharacterKinds.Capitals, Particles = 4 }),
            (new { text = Text, seed = 5, min_probability = 1, token_details = true }, new() { MinProbability = 1, Entropies = true }),
        ];
        using ModelLease model = await Server.RentAsync();
        InfillResult plain = await model.Infiller.InfillAsync(Text, new InfillOptions { Seed = 5 });
        foreach ((object field, InfillOptions options) in cases)
        {
            JsonElement answer = await Server.PostAsync(Path, field);
            InfillResult expected = await model.Infiller.InfillAsync(Text, options with { Seed = 5 });
            Assert.AreEqual(expected.Text, answer.GetProperty("text").GetString());
            Assert.IsTrue(expected.Text != plain.Text || !expected.Gaps[0].Lengths.SequenceEqual(plain.Gaps[0].Lengths), "The option has an effect.");
        }

        Assert.IsTrue((await Server.PostAsync(Path, cases[2].Field)).GetProperty("gap_details")[0].GetProperty("abstained").GetBoolean());
        Assert.AreEqual("only", (await Server.RefuseAsync(Path, new { text = Text, only = new[] { "two words" } })).GetProperty("param").GetString());
        Assert.Contains("not trained with open gaps", (await Server.RefuseAsync(Path, new { text = Text, length_method = "open-gaps" })).GetProperty("message").GetString()!);
        Assert.AreEqual("length_prior", (await Server.RefuseAsync(Path, new { text = Text, length_prior = "long" })).GetProperty("param").GetString());
    }

    /// <summary>The id is answered as it was written, on one line whatever it was written on; null is a value.</summary>
    [TestMethod]
    [DataRow("null", "null")]
    [DataRow("{\n  \"a\":\r\n 1}", "{   \"a\":   1}")]
    public async Task Infill_Id_IsAnsweredOnOneLine(string id, string expected)
    {
        using var content = new StringContent($$"""{"text": "Tom was <mask>.", "stream": true, "id": {{id}}}""", Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await Server.Client.PostAsync(Path, content);
        string last = (await response.Content.ReadAsStringAsync()).Trim().Split('\n')[^1];
        using JsonDocument answer = JsonDocument.Parse(last);
        Assert.AreEqual(expected, answer.RootElement.GetProperty("result").GetProperty("id").GetRawText());
    }

    [TestMethod]
    public async Task Infill_Segments_AreNoMarkup()
    {
        object[] segments = [new { text = "A <mask> " }, new { gap = 2 }, new { text = " day " }, new { gap = new { min_tokens = 1, max_tokens = 3 } }, new { text = "." }];
        JsonElement answer = await Server.PostAsync(Path, new { segments, seed = 3, samples = 2 });
        JsonElement[] samples = [.. answer.GetProperty("samples").EnumerateArray()];
        Assert.HasCount(2, samples);
        foreach (JsonElement sample in samples)
        {
            string?[] gaps = [.. sample.GetProperty("gaps").EnumerateArray().Select(gap => gap.GetString())];
            Assert.AreEqual($"A <mask> {gaps[0]} day {gaps[1]}.", sample.GetProperty("text").GetString());
            Assert.AreEqual("estimate", sample.GetProperty("gap_details")[1].GetProperty("accuracy").GetString());
        }

        CollectionAssert.AreEqual(new long[] { 3, 4 }, samples.Select(sample => sample.GetProperty("seed").GetInt64()).ToArray());
    }

    [TestMethod]
    [DataRow(null)]
    [DataRow("text/event-stream")]
    public async Task Infill_Stream_TellsWhatEachPassHasDone(string? accept)
    {
        var body = new { text = "Once <mask:9> there <mask:4>.", seed = 2, sampler = "assd", draft_length = 4 };
        JsonElement whole = await Server.PostAsync(Path, body);
        JsonElement[] updates = [.. (await Server.StreamAsync(Path, new { body.text, body.seed, body.sampler, body.draft_length, stream = true }, accept)).Select(one => JsonElement.Parse(one))];
        Assert.HasCount(whole.GetProperty("nfe").GetInt32(), updates);
        Assert.AreEqual(13, updates.Sum(update => update.GetProperty("committed").GetArrayLength()));
        Assert.AreEqual(whole.GetProperty("drafted").GetInt32(), updates.Sum(update => update.GetProperty("drafted").GetInt32()));
        Assert.AreEqual(whole.GetProperty("accepted").GetInt32(), updates.Sum(update => update.GetProperty("accepted").GetInt32()));
        Assert.IsTrue(updates.SkipLast(1).All(update => !update.GetProperty("done").GetBoolean()));
        Assert.AreEqual(whole.GetProperty("text").GetString(), updates[^1].GetProperty("result").GetProperty("text").GetString());
        Assert.AreEqual(whole.GetProperty("log_prob").GetDouble(), updates[^1].GetProperty("result").GetProperty("log_prob").GetDouble(), 1e-9);
        JsonElement[] tokens = [.. updates.SelectMany(update => update.GetProperty("committed").EnumerateArray())];
        Assert.AreEqual(whole.GetProperty("log_prob").GetDouble(), tokens.Sum(token => token.GetProperty("log_prob").GetDouble()), 1e-9);
        foreach (JsonElement update in updates)
        {
            int accepted = update.GetProperty("committed").EnumerateArray().Count(token => token.GetProperty("drafted").GetBoolean());
            Assert.AreEqual(update.GetProperty("accepted").GetInt32(), accepted);
            Assert.AreEqual(update.GetProperty("committed").GetArrayLength(), accepted + update.GetProperty("corrected").GetInt32());
        }
    }

    [TestMethod]
    public async Task Infill_Lines_AreAnsweredInOrder()
    {
        var body = new StringBuilder();
        for (int i = 0; i < 40; i++)
            body.Append(i % 10 == 3 ? """{"id": "bad", "text": "no gap"}""" : $$"""{"id": {{i}}, "text": "Tom was <mask:{{(i % 3) + 1}}>.", "seed": {{i}}}""").Append(i % 2 == 0 ? "\n" : "\r\n");
        body.Append("\n{\"id\": 41, \"text\": 5}\nnot json");
        using var content = new StringContent(body.ToString(), Encoding.UTF8);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        using HttpResponseMessage response = await Server.Client.PostAsync(Path + "?model=text", content);
        JsonElement[] lines = [.. (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))];
        Assert.HasCount(42, lines);
        for (int i = 0; i < 40; i++)
        {
            Assert.AreEqual(i + 1, lines[i].GetProperty("line").GetInt32());
            if (i % 10 == 3)
                Assert.AreEqual("text", lines[i].GetProperty("param").GetString());
            else
                Assert.AreEqual(i, lines[i].GetProperty("seed").GetInt64());
        }

        JsonElement alone = await Server.PostAsync(Path, new { text = "Tom was <mask:3>.", seed = 20, draft_mode = "throughput" });
        Assert.AreEqual(alone.GetProperty("text").GetString(), lines[20].GetProperty("text").GetString());
        Assert.AreEqual("text", lines[40].GetProperty("param").GetString());
        Assert.AreEqual(42, lines[40].GetProperty("line").GetInt32());
        Assert.AreEqual("body", lines[41].GetProperty("param").GetString());
    }

    [TestMethod]
    [DataRow("""{}""", "text")]
    [DataRow("""{"text": "a <mask>", "segments": []}""", "text")]
    [DataRow("""{"text": "no gap"}""", "text")]
    [DataRow("""{"segments": []}""", "segments")]
    [DataRow("""{"segments": [{"text": "a"}]}""", "segments")]
    [DataRow("""{"segments": [{"text": "a", "gap": 1}]}""", "segments[0]")]
    [DataRow("""{"segments": [{"gap": 0}]}""", "segments[0].gap")]
    [DataRow("""{"segments": [{"gap": {}}]}""", "segments[0].gap.tokens")]
    [DataRow("""{"segments": [{"text": "a"}, {"gap": {"tokens": 2, "x": 1}}]}""", "segments[1].gap.x")]
    [DataRow("""{"segments": [{"gap": {"min_tokens": 3, "max_tokens": 2}}]}""", "segments[0].gap")]
    [DataRow("""{"segments": [{"span": "a"}]}""", "segments[0].span")]
    [DataRow("""{"text": "a <mask>", "sampler": "best"}""", "sampler")]
    [DataRow("""{"text": "a <mask>", "order": 3}""", "order")]
    [DataRow("""{"text": "a <mask:1-3> b", "order": "random"}""", "order")]
    [DataRow("""{"text": "a <mask> b", "order": "random", "no_digits": true}""", "order")]
    [DataRow("""{"text": "a <mask:/[a-z]+/> b", "sampler": "parallel"}""", "sampler")]
    [DataRow("""{"text": "a <mask:/[a-z]+/> b", "sampler": "parallel", "stream": true}""", "sampler")]
    [DataRow("""{"text": "a <mask>", "samples": 0}""", "samples")]
    [DataRow("""{"text": "a <mask>", "samples": 2, "stream": true}""", "samples")]
    [DataRow("""{"text": "a <mask>", "samples": 3, "seed": 9223372036854775807}""", "seed")]
    [DataRow("""{"text": "a <mask>", "draft_length": 0}""", "draft_length")]
    [DataRow("""{"text": "a <mask:101>"}""", "text")]
    [DataRow("""{"text": "a <mask>", "temprature": 1}""", "temprature")]
    public async Task Infill_BadField_IsNamed(string body, string field)
    {
        JsonElement error = await Server.RefuseAsync(Path, body);
        Assert.AreEqual(field, error.GetProperty("param").GetString(), error.ToString());
    }

    [TestMethod]
    public async Task Score_Spans_AreExact()
    {
        JsonElement answer = await Server.PostAsync("/v1/score", new { text = "The dog [[ran to]] the [[house]].", top = 3 });
        using ModelLease model = await Server.RentAsync();
        ScoreResult expected = await model.Infiller.ScoreAsync(ScorePrompt.Parse("The dog [[ran to]] the [[house]]."));
        Assert.AreEqual(expected.LogProbability, answer.GetProperty("log_prob").GetDouble(), 1e-9);
        foreach (JsonElement span in answer.GetProperty("spans").EnumerateArray())
        {
            Assert.AreEqual(span.GetProperty("log_prob").GetDouble(), span.GetProperty("token_scores").EnumerateArray().Sum(token => token.GetProperty("log_prob").GetDouble()), 1e-9);
            foreach (JsonElement token in span.GetProperty("token_scores").EnumerateArray())
            {
                string text = token.GetProperty("text").GetString()!;
                Assert.AreEqual(text, "The dog ran to the house.".Substring(token.GetProperty("start").GetInt32(), text.Length));
                Assert.AreEqual(3, token.GetProperty("top").GetArrayLength());
                double best = token.GetProperty("top")[0].GetProperty("log_prob").GetDouble();
                Assert.IsGreaterThanOrEqualTo(token.GetProperty("log_prob").GetDouble() - 1e-6, best);
            }
        }

        JsonElement segments = await Server.PostAsync("/v1/score", new { segments = new object[] { new { text = "The dog " }, new { span = "ran to" }, new { text = " the " }, new { span = "house" }, new { text = "." } } });
        Assert.AreEqual(expected.LogProbability, segments.GetProperty("log_prob").GetDouble(), 1e-9);
        Assert.AreEqual("text", (await Server.RefuseAsync("/v1/score", new { text = "no span" })).GetProperty("param").GetString());
    }

    /// <summary>The alternatives of a scored token are its row: the token's own number is among them where it is one of the most probable.</summary>
    [TestMethod]
    public async Task Candidates_OfAGap_AreTheRowOfItsScore()
    {
        JsonElement candidates = await Server.PostAsync("/v1/candidates", new { text = "The dog ran to the <mask>.", count = 4 });
        JsonElement[] gap = [.. candidates.GetProperty("gaps")[0].EnumerateArray()];
        Assert.HasCount(4, gap);
        string first = gap[0].GetProperty("text").GetString()!;
        JsonElement score = await Server.PostAsync("/v1/score", new { text = $"The dog ran to the [[{first}]].", top = 4 });
        Assert.AreEqual(gap[0].GetProperty("log_prob").GetDouble(), score.GetProperty("log_prob").GetDouble(), 1e-4);
        JsonElement[] top = [.. score.GetProperty("spans")[0].GetProperty("token_scores")[0].GetProperty("top").EnumerateArray()];
        CollectionAssert.AreEqual(gap.Select(one => one.GetProperty("id").GetInt32()).ToArray(), top.Select(one => one.GetProperty("id").GetInt32()).ToArray());
        Assert.AreEqual("text", (await Server.RefuseAsync("/v1/candidates", new { text = "a <mask:2> b" })).GetProperty("param").GetString());
        Assert.AreEqual("count", (await Server.RefuseAsync("/v1/candidates", new { text = "a <mask> b", count = 0 })).GetProperty("param").GetString());
    }

    [TestMethod]
    public async Task Tokenize_Text_IsCounted()
    {
        JsonElement answer = await Server.PostAsync("/v1/tokenize", new { text = "Tom was <mask:3>.", pieces = true });
        Assert.AreEqual(3, answer.GetProperty("gaps").GetInt32());
        Assert.AreEqual(128, answer.GetProperty("maximum").GetInt32());
        Assert.AreEqual(answer.GetProperty("tokens").GetInt32(), answer.GetProperty("pieces").GetArrayLength());
    }
}
