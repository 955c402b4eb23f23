using System.Text.Json;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Models;
using AsArm.Server.Requests;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.Completions;

/// <summary>POST /v1/completions without streams and log-probabilities.</summary>
[TestClass]
public sealed class CompletionTests
{
    private const string Path = "/v1/completions";

    private static RunningServer Server => SharedServer.Instance;

    [TestMethod]
    public async Task Completions_Prompt_IsContinuedByMaxTokens()
    {
        JsonElement answer = await Server.PostAsync(Path, new { model = "text", prompt = "Once upon a time", max_tokens = 5, seed = 3 });
        JsonElement choice = answer.GetProperty("choices")[0];
        Assert.AreEqual("text_completion", answer.GetProperty("object").GetString());
        Assert.AreEqual("text", answer.GetProperty("model").GetString());
        Assert.AreEqual("length", choice.GetProperty("finish_reason").GetString());
        Assert.AreEqual(JsonValueKind.Null, choice.GetProperty("logprobs").ValueKind);
        Assert.AreEqual(5, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        using ModelLease model = await Server.RentAsync();
        InfillResult expected = await model.Infiller.InfillAsync(
            new InfillPrompt().AddText("Once upon a time").AddGap(5), new InfillOptions { Seed = 3, GapSpacing = GapSpacing.FromModel });
        Assert.AreEqual(expected.Text, "Once upon a time" + choice.GetProperty("text").GetString());
        Assert.AreEqual(expected.Usage.GivenTokens, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [TestMethod]
    public async Task Completions_Suffix_IsAGapOfUnknownLength()
    {
        JsonElement answer = await Server.PostAsync(Path, new { prompt = "The cat sat on ", suffix = " mat and slept.", max_tokens = 4, seed = 5 });
        JsonElement choice = answer.GetProperty("choices")[0];
        Assert.AreEqual("stop", choice.GetProperty("finish_reason").GetString());
        using ModelLease model = await Server.RentAsync();
        InfillPrompt prompt = new InfillPrompt().AddText("The cat sat on ").AddGap(GapSpecification.Tokens(1, 4)).AddText(" mat and slept.");
        InfillResult expected = await model.Infiller.InfillAsync(prompt, new InfillOptions { Seed = 5 });
        Assert.AreEqual(expected.Gaps[0].Text, choice.GetProperty("text").GetString());
        Assert.AreEqual(expected.Gaps[0].Tokens.Count, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [TestMethod]
    public async Task Completions_GapMarkup_AnswersTheWholeText()
    {
        JsonElement answer = await Server.PostAsync(Path, new { prompt = @"A \<mask> <mask:2> day <mask>.", seed = 1 });
        JsonElement choice = answer.GetProperty("choices")[0];
        string[] gaps = [.. choice.GetProperty("gaps").EnumerateArray().Select(gap => gap.GetString()!)];
        Assert.HasCount(2, gaps);
        Assert.AreEqual($"A <mask> {gaps[0]} day {gaps[1]}.", choice.GetProperty("text").GetString());
    }

    /// <summary>Markup is read in a prompt alone, and only where it has gaps.</summary>
    [TestMethod]
    [DataRow(@"C:\dir\<b", null)]
    [DataRow("A <mask:2> day ", " and a <mask>.")]
    public async Task Completions_TextThatIsNoMarkup_StaysAsItIs(string prompt, string? suffix)
    {
        JsonElement answer = await Server.PostAsync(Path, new { prompt, suffix, max_tokens = 2, echo = true, seed = 1 });
        Assert.StartsWith(prompt, answer.GetProperty("choices")[0].GetProperty("text").GetString()!);
        Assert.IsFalse(answer.GetProperty("choices")[0].TryGetProperty("gaps", out _));
    }

    [TestMethod]
    public async Task Completions_SeveralPromptsAndSamples_AreInOrder()
    {
        JsonElement answer = await Server.PostAsync(Path, new { prompt = new[] { "Tom was ", "The dog " }, n = 2, max_tokens = 3, seed = 7 });
        JsonElement[] choices = [.. answer.GetProperty("choices").EnumerateArray()];
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3 }, choices.Select(choice => choice.GetProperty("index").GetInt32()).ToArray());
        CollectionAssert.AreEqual(new long[] { 7, 8, 9, 10 }, choices.Select(choice => choice.GetProperty("seed").GetInt64()).ToArray());
        Assert.AreEqual(12, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        JsonElement alone = await Server.PostAsync(Path, new { prompt = "The dog ", max_tokens = 3, seed = 10 });
        Assert.AreEqual(choices[3].GetProperty("text").GetString(), alone.GetProperty("choices")[0].GetProperty("text").GetString());
    }

    [TestMethod]
    public async Task Completions_BestOf_AnswersTheMostProbable()
    {
        JsonElement all = await Server.PostAsync(Path, new { prompt = "Tom was ", n = 6, max_tokens = 3, seed = 20, logprobs = 0 });
        JsonElement best = await Server.PostAsync(Path, new { prompt = "Tom was ", n = 2, best_of = 6, max_tokens = 3, seed = 20 });
        string?[] expected = [.. all.GetProperty("choices").EnumerateArray()
            .OrderByDescending(choice => choice.GetProperty("logprobs").GetProperty("token_logprobs").EnumerateArray().Sum(token => token.GetDouble()))
            .Take(2).Select(choice => choice.GetProperty("text").GetString())];
        CollectionAssert.AreEqual(expected, best.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("text").GetString()).ToArray());
        Assert.AreEqual(18, best.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    /// <summary>The prompt's tokens may be given as the tokenizer makes them, and ids that are none are refused.</summary>
    [TestMethod]
    public async Task Completions_Tokens_AreThoseOfTheText()
    {
        using ModelLease model = await Server.RentAsync();
        int[] tokens = [.. model.Infiller.Tokenizer.EncodeToIds("Tom was happy")];
        JsonElement text = await Server.PostAsync(Path, new { prompt = "Tom was happy", max_tokens = 3, seed = 2, echo = true });
        JsonElement ids = await Server.PostAsync(Path, new { prompt = new[] { tokens, tokens }, max_tokens = 3, seed = 2, echo = true });
        Assert.AreEqual(text.GetProperty("choices")[0].GetProperty("text").GetString(), ids.GetProperty("choices")[0].GetProperty("text").GetString());
        JsonElement error = await Server.RefuseAsync(Path, new { prompt = new[] { 4_000_000 }, max_tokens = 3 });
        Assert.AreEqual("prompt", error.GetProperty("param").GetString());
    }

    /// <summary>Tokens that the tokenizer would not make of their text, and special ones, are what the model sees.</summary>
    [TestMethod]
    [DataRow("")]
    [DataRow(" home.")]
    public async Task Completions_OtherTokens_AreSeenAsTheyAre(string suffix)
    {
        using ModelLease model = await Server.RentAsync();
        InfillTokenizer tokenizer = model.Infiller.InfillTokenizer;
        int[] tokens = [1, .. tokenizer.EncodeStart("The d"), .. tokenizer.EncodeContinuation("o"), .. tokenizer.EncodeContinuation("g")];
        var body = new { prompt = tokens, suffix, max_tokens = 3, seed = 2, echo = true };
        JsonElement answer = await Server.PostAsync(Path, body);
        InfillPrompt prompt = new InfillPrompt().AddTokens(tokens).AddGap(GapSpecification.Tokens(suffix.Length == 0 ? 3 : 1, 3)).AddText(suffix);
        InfillResult expected = await model.Infiller.InfillAsync(prompt, new InfillOptions { Seed = 2 });
        JsonElement choice = answer.GetProperty("choices")[0];
        Assert.AreEqual($"<s>The dog{expected.Gaps[0].Text}", choice.GetProperty("text").GetString());
        Assert.AreEqual(expected.Usage.GivenTokens, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        List<string> parts = await Server.StreamAsync(Path, new { body.prompt, body.suffix, body.max_tokens, body.seed, body.echo, stream = true });
        Assert.AreEqual(choice.GetProperty("text").GetString(), string.Concat(parts[..^1].Select(part => JsonElement.Parse(part).GetProperty("choices")[0].GetProperty("text").GetString())));
    }

    /// <summary>The filling is cut before the stop text, and is otherwise the one without it.</summary>
    [TestMethod]
    public async Task Completions_Stop_CutsTheSameText()
    {
        JsonElement whole = await Server.PostAsync(Path, new { prompt = "Tom was ", max_tokens = 12, seed = 4 });
        string text = whole.GetProperty("choices")[0].GetProperty("text").GetString()!;
        string stop = text[(text.Length / 2)..];
        JsonElement cut = await Server.PostAsync(Path, new { prompt = "Tom was ", max_tokens = 12, seed = 4, stop = new[] { "no such text", stop }, logprobs = 0 });
        JsonElement choice = cut.GetProperty("choices")[0];
        Assert.AreEqual(text[..text.IndexOf(stop, StringComparison.Ordinal)], choice.GetProperty("text").GetString());
        Assert.AreEqual("stop", choice.GetProperty("finish_reason").GetString());
        JsonElement offsets = choice.GetProperty("logprobs").GetProperty("text_offset");
        Assert.IsGreaterThan(1, offsets.GetArrayLength());
        Assert.IsLessThan(choice.GetProperty("text").GetString()!.Length, offsets.EnumerateArray().Last().GetInt32());
        Assert.AreEqual(offsets.GetArrayLength(), cut.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [TestMethod]
    public async Task Completions_LogitBias_ChangesTheDistribution()
    {
        using ModelLease model = await Server.RentAsync();
        int token = model.Infiller.Tokenizer.EncodeToIds("a dog")[^1];
        JsonElement forced = await Server.PostAsync(Path, new { prompt = "Tom was a ", max_tokens = 1, n = 4, logit_bias = new Dictionary<string, double> { [$"{token}"] = 100 }, logprobs = 1 });
        foreach (JsonElement choice in forced.GetProperty("choices").EnumerateArray())
        {
            Assert.AreEqual("dog", choice.GetProperty("text").GetString());
            Assert.AreEqual(0, choice.GetProperty("logprobs").GetProperty("token_logprobs")[0].GetDouble(), 1e-6);
        }

        // The token that is chosen without the bias is the one that is banned.
        JsonElement free = await Server.PostAsync(Path, new { prompt = "Tom was a ", max_tokens = 1, temperature = 0 });
        string greedy = free.GetProperty("choices")[0].GetProperty("text").GetString()!;
        int chosen = model.Infiller.Tokenizer.EncodeToIds($"a {greedy}")[^1];
        JsonElement banned = await Server.PostAsync(Path, new { prompt = "Tom was a ", max_tokens = 1, temperature = 0, logit_bias = new Dictionary<string, double> { [$"{chosen}"] = -100 } });
        Assert.AreNotEqual(greedy, banned.GetProperty("choices")[0].GetProperty("text").GetString());
    }

    /// <summary>Texts of others have no markup, and token ids neither.</summary>
    [TestMethod]
    public async Task Completions_MarkupFalse_ContinuesTheLiteralText()
    {
        const string Prompt = "A <mask:foo> and <mask:2> day";
        JsonElement choice = (await Server.PostAsync(Path, new { prompt = Prompt, markup = false, max_tokens = 2, echo = true, seed = 1 })).GetProperty("choices")[0];
        Assert.StartsWith(Prompt, choice.GetProperty("text").GetString()!);
        Assert.IsFalse(choice.TryGetProperty("gaps", out _));
        using ModelLease model = await Server.RentAsync();
        int[] ids = model.Infiller.InfillTokenizer.EncodeStart("a day");
        JsonElement tokens = (await Server.PostAsync(Path, new { prompt = ids, max_tokens = 1 })).GetProperty("choices")[0];
        Assert.IsFalse(tokens.TryGetProperty("gaps", out _));
    }

    /// <summary>One prompt that is refused cancels the others, and all have ended before the answer.</summary>
    [TestMethod]
    public async Task AllOrNothing_FirstFailure_CancelsTheOthersAndWaitsForThem()
    {
        bool hasEnded = false;
        await Assert.ThrowsExactlyAsync<InvalidDataException>(() => AllOrNothing.WaitAsync(token => [WaitAsync(token), FailAsync()], CancellationToken.None));
        Assert.IsTrue(hasEnded);

        async Task WaitAsync(CancellationToken token)
        {
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                await Task.Yield();
                hasEnded = true;
            }
        }

        static async Task FailAsync()
        {
            await Task.Yield();
            throw new InvalidDataException();
        }
    }

    [TestMethod]
    [DataRow("""{"max_tokens": 3}""", "prompt")]
    [DataRow("""{"prompt": 3}""", "prompt")]
    [DataRow("""{"prompt": []}""", "prompt")]
    [DataRow("""{"prompt": ["a", 3]}""", "prompt")]
    [DataRow("""{"prompt": "a <mask:0> b"}""", "prompt")]
    [DataRow("""{"prompt": "\ud800"}""", "prompt")]
    [DataRow("""{"prompt": "a", "max_tokens": -1}""", "max_tokens")]
    [DataRow("""{"prompt": "a", "max_tokens": 101}""", "max_tokens")]
    [DataRow("""{"prompt": "a", "max_tokens": 1.5}""", "max_tokens")]
    [DataRow("""{"prompt": "a", "max_tokens": 0, "suffix": "b"}""", "max_tokens")]
    [DataRow("""{"prompt": "a <mask:4>", "max_tokens": 3}""", "max_tokens")]
    [DataRow("""{"prompt": "a", "temperature": -1}""", "temperature")]
    [DataRow("""{"prompt": "a", "temperature": "1"}""", "temperature")]
    [DataRow("""{"prompt": "a", "top_p": 0}""", "top_p")]
    [DataRow("""{"prompt": "a", "n": 0}""", "n")]
    [DataRow("""{"prompt": "a", "n": 9}""", "n")]
    [DataRow("""{"prompt": ["a", "b", "c"], "n": 3}""", "n")]
    [DataRow("""{"prompt": "a", "n": 3, "best_of": 2}""", "best_of")]
    [DataRow("""{"prompt": "a", "best_of": 2, "stream": true}""", "best_of")]
    [DataRow("""{"prompt": "a", "logprobs": 6}""", "logprobs")]
    [DataRow("""{"prompt": "a", "logprobs": 1, "echo": true, "suffix": "b"}""", "echo")]
    [DataRow("""{"prompt": "a <mask>", "echo": true}""", "echo")]
    [DataRow("""{"prompt": "a", "stop": [1]}""", "stop")]
    [DataRow("""{"prompt": "a", "stop": [""]}""", "stop")]
    [DataRow("""{"prompt": "a <mask>", "stop": "b"}""", "stop")]
    [DataRow("""{"prompt": "a", "seed": 1e30}""", "seed")]
    [DataRow("""{"prompt": "a", "logit_bias": {"x": 1}}""", "logit_bias")]
    [DataRow("""{"prompt": "a", "logit_bias": {"5": 101}}""", "logit_bias")]
    [DataRow("""{"prompt": "a", "logit_bias": {"99999999": 1}}""", "logit_bias")]
    [DataRow("""{"prompt": "a", "logit_bias": {"\ud800": 1}}""", "logit_bias")]
    [DataRow("""{"prompt": "a", "\ud800": 1}""", "body")]
    [DataRow("""{"prompt": [[]]}""", "prompt")]
    [DataRow("""{"prompt": [20, 6]}""", "prompt")]
    [DataRow("""{"prompt": [6], "logprobs": 0, "echo": true, "max_tokens": 0, "stream": false}""", "prompt")]
    [DataRow("""{"prompt": [[6]], "max_tokens": 0, "stream": true}""", "prompt")]
    [DataRow("""{"prompt": [20, 1, 30], "logprobs": 0, "echo": true, "max_tokens": 0}""", "prompt")]
    [DataRow("""{"prompt": "a <mask:1-60> b", "max_tokens": 60}""", "prompt")]
    [DataRow("""{"prompt": "a", "stream_options": {"include_usage": true}}""", "stream_options")]
    [DataRow("""{"prompt": "\ud83d\ude00", "logprobs": 0, "echo": true, "max_tokens": 0}""", "prompt")]
    [DataRow("""{"prompt": "a", "presence_penalty": 0.5}""", "presence_penalty")]
    [DataRow("""{"prompt": "a", "stream": true, "stream_options": {"x": true}}""", "stream_options.x")]
    [DataRow("""{"prompt": "a", "maxtokens": 3}""", "maxtokens")]
    [DataRow("""{"prompt": "a", "prompt": "b"}""", "prompt")]
    [DataRow("""[]""", "body")]
    [DataRow("""{"prompt": "a""", "body")]
    public async Task Completions_BadField_IsNamed(string body, string field)
    {
        JsonElement error = await Server.RefuseAsync(Path, body);
        Assert.AreEqual(field, error.GetProperty("param").GetString(), error.ToString());
        Assert.AreEqual("invalid_request_error", error.GetProperty("type").GetString());
        Assert.IsGreaterThan(5, error.GetProperty("message").GetString()!.Length);
    }

    [TestMethod]
    public async Task Completions_TooLong_TellsTheLength()
    {
        JsonElement error = await Server.RefuseAsync(Path, new { prompt = string.Concat(Enumerable.Repeat("The dog ran. ", 60)), max_tokens = 10 });
        Assert.AreEqual("prompt", error.GetProperty("param").GetString());
        Assert.AreEqual("context_length_exceeded", error.GetProperty("code").GetString());
        Assert.Contains("128", error.GetProperty("message").GetString()!);
    }

    [TestMethod]
    public async Task Completions_UnknownModel_IsNotFound()
    {
        JsonElement error = await Server.RefuseAsync(Path, new { model = "gpt", prompt = "a" }, System.Net.HttpStatusCode.NotFound);
        Assert.AreEqual("model", error.GetProperty("param").GetString());
        Assert.AreEqual("model_not_found", error.GetProperty("code").GetString());
    }

    [TestMethod]
    public async Task Completions_FieldsWithoutEffect_AreAccepted()
    {
        JsonElement plain = await Server.PostAsync(Path, new { prompt = "Tom was ", max_tokens = 3, seed = 4 });
        JsonElement other = await Server.PostAsync(Path, new { prompt = "Tom was ", max_tokens = 3, seed = 4, user = "me", presence_penalty = -0.0, frequency_penalty = 0, suffix = (string?)null });
        Assert.AreEqual(plain.GetProperty("choices")[0].GetProperty("text").GetString(), other.GetProperty("choices")[0].GetProperty("text").GetString());
    }
}
