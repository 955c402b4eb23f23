using System.Text.Json;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Completions;
using AsArm.Server.Models;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.Completions;

/// <summary>Log-probabilities of completions, and exact scores by echo.</summary>
[TestClass]
public sealed class LogprobTests
{
    private const string Path = "/v1/completions";
    private const double Tolerance = 1e-4; // of float32 on another path

    private static RunningServer Server => SharedServer.Instance;

    [TestMethod]
    public async Task Logprobs_OfACompletion_AreAligned()
    {
        JsonElement choice = Choice(await Server.PostAsync(Path, new { prompt = "Once there was a", max_tokens = 6, seed = 3, logprobs = 3 }));
        (string[] tokens, double[] logprobs, int[] offsets) = Arrays(choice);
        Assert.HasCount(6, tokens);
        AssertAligned(choice, tokens, offsets);
        using ModelLease model = await Server.RentAsync();
        InfillResult expected = await model.Infiller.InfillAsync(
            new InfillPrompt().AddText("Once there was a").AddGap(6), new InfillOptions { Seed = 3, GapSpacing = GapSpacing.FromModel });
        foreach ((double actual, TokenScore token) in logprobs.Zip(expected.Gaps[0].Tokens))
            Assert.AreEqual(token.LogProbability, actual, 1e-9);
        AssertTop(choice, tokens, logprobs, 3);
    }

    /// <summary>At temperature 0 each token is the most probable one of its row, and its number is the largest of top_logprobs, which is what harnesses compare.</summary>
    [TestMethod]
    public async Task Logprobs_OfAGreedyCompletion_AreTheLargest()
    {
        JsonElement choice = Choice(await Server.PostAsync(Path, new { prompt = "Tom was a", max_tokens = 5, temperature = 0, logprobs = 1 }));
        (string[] tokens, double[] logprobs, _) = Arrays(choice);
        foreach ((double logprob, JsonElement top) in logprobs.Zip(choice.GetProperty("logprobs").GetProperty("top_logprobs").EnumerateArray()))
        {
            Assert.AreEqual(1, top.EnumerateObject().Count());
            Assert.AreEqual(top.EnumerateObject().Max(one => one.Value.GetDouble()), logprob);
        }
    }

    [TestMethod]
    [DataRow("The old man <mask:2> in the <mask>.", null)]
    [DataRow("The old man ", " in the house.")]
    public async Task Logprobs_OfGaps_AreAligned(string prompt, string? suffix)
    {
        JsonElement choice = Choice(await Server.PostAsync(Path, new { prompt, suffix, max_tokens = 3, seed = 3, logprobs = 2 }));
        (string[] tokens, double[] logprobs, int[] offsets) = Arrays(choice);
        AssertAligned(choice, tokens, offsets);
        AssertTop(choice, tokens, logprobs, 2);
    }

    /// <summary>The control: the alternatives of a row with a bias are those of the biased distribution, in which they add up to 1.</summary>
    [TestMethod]
    public async Task Logprobs_WithBias_AreThoseOfTheSampledDistribution()
    {
        JsonElement plain = Choice(await Server.PostAsync(Path, new { prompt = "Tom was a ", max_tokens = 1, temperature = 0, logprobs = 5 }));
        Dictionary<string, double> before = Top(plain)[0];
        using ModelLease model = await Server.RentAsync();
        string second = before.OrderByDescending(one => one.Value).ElementAt(1).Key;
        int token = model.Infiller.Tokenizer.EncodeToIds("a " + second)[^1];
        JsonElement biased = Choice(await Server.PostAsync(Path, new { prompt = "Tom was a ", max_tokens = 1, temperature = 0, logprobs = 5, logit_bias = new Dictionary<string, double> { [$"{token}"] = 2 } }));
        Dictionary<string, double> after = Top(biased)[0];
        double p = Math.Exp(before[second]), expected = Math.Log(p * Math.Exp(2) / (1 - p + (p * Math.Exp(2))));
        Assert.AreEqual(expected, after[second], Tolerance);
        Assert.AreNotEqual(before[second], after[second], 0.1);
    }

    /// <summary>Harnesses ask for no or one new token, leave out the tokens of the context and the new one, and compare the rest.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public async Task Echo_SlicedAsAnEvaluationHarnessDoes_IsTheConditionalLogProbability(int maxTokens)
    {
        const string Context = "The dog ran to the", Continuation = " house and slept";
        using ModelLease model = await Server.RentAsync();
        int[] whole = [.. model.Infiller.Tokenizer.EncodeToIds(Context + Continuation)];
        int context = model.Infiller.Tokenizer.EncodeToIds(Context).Count;
        JsonElement answer = await Server.PostAsync(Path, new { model = "text", prompt = new[] { whole }, temperature = 0, max_tokens = maxTokens, logprobs = 1, seed = 1234, echo = true });
        JsonElement choice = Choice(answer);
        (string[] tokens, double[] logprobs, int[] offsets) = Arrays(choice);
        Assert.HasCount(whole.Length + maxTokens, logprobs);
        Assert.AreEqual(maxTokens, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.StartsWith(Context + Continuation, choice.GetProperty("text").GetString()!);
        AssertAligned(choice, tokens, offsets);
        double[] sliced = logprobs[context..(logprobs.Length - maxTokens)];
        double both = (await model.Infiller.ScoreAsync(new ScorePrompt().AddSpan(Context + Continuation))).LogProbability;
        double first = (await model.Infiller.ScoreAsync(new ScorePrompt().AddSpan(Context))).LogProbability;
        Assert.AreEqual(both - first, sliced.Sum(), Tolerance);
        Assert.AreNotEqual(both, sliced.Sum(), 1);
        bool isGreedy = sliced.Zip(Top(choice)[context..]).All(one => one.First == one.Second.Values.Max());
        Assert.IsFalse(isGreedy);
        int byOffset = offsets.Index().First(one => one.Item >= Context.Length).Index;
        Assert.AreEqual(context, byOffset, "Older harnesses slice by text_offset.");
    }

    /// <summary>A harness cuts a text on the left, within a word, or puts a special token before it: it gets the log-probabilities of exactly these tokens.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(2)]
    public async Task Echo_OtherTokens_AreScoredAsTheyAre(int specials)
    {
        using ModelLease model = await Server.RentAsync();
        InfillTokenizer tokenizer = model.Infiller.InfillTokenizer;
        int[] text = [.. tokenizer.EncodeContinuation("g ran to th"), .. tokenizer.EncodeContinuation("e"), .. tokenizer.EncodeContinuation(" house")];
        int[] tokens = [.. Enumerable.Repeat(1, specials), .. text];
        JsonElement choice = Choice(await Server.PostAsync(Path, new { prompt = tokens, max_tokens = 1, logprobs = 2, echo = true, temperature = 0 }));
        JsonElement.ArrayEnumerator logprobs = choice.GetProperty("logprobs").GetProperty("token_logprobs").EnumerateArray();
        ScoreResult expected = await model.Infiller.ScoreAsync(new ScorePrompt().AddTokens(tokens[..specials]).AddTokenSpan(text));
        CollectionAssert.AreEqual(new double?[specials], logprobs.Take(specials).Select(one => one.ValueKind == JsonValueKind.Null ? (double?)null : one.GetDouble()).ToArray());
        double[] scores = [.. logprobs.Skip(specials).Take(text.Length).Select(one => one.GetDouble())];
        foreach ((double actual, TokenScore token) in scores.Zip(expected.Spans[0].TokenScores))
            Assert.AreEqual(token.LogProbability, actual, Tolerance);
        Assert.AreEqual(expected.LogProbability, scores.Sum(), Tolerance);
        Assert.AreEqual(tokens.Length + 1, logprobs.Count());
        string[] shown = [.. choice.GetProperty("logprobs").GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!)];
        int[] offsets = [.. choice.GetProperty("logprobs").GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32())];
        AssertAligned(choice, shown, offsets);
        Assert.StartsWith(string.Concat(Enumerable.Repeat("<s>", specials)) + "g ran to the house", choice.GetProperty("text").GetString()!);
        JsonElement[] top = [.. choice.GetProperty("logprobs").GetProperty("top_logprobs").EnumerateArray()];
        Assert.IsTrue(top.Index().All(one => one.Item.ValueKind == JsonValueKind.Null == one.Index < specials));
        double canonical = (await model.Infiller.ScoreAsync(new ScorePrompt().AddSpan("g ran to the house"))).LogProbability;
        Assert.AreNotEqual(canonical, expected.LogProbability, 0.1, "The control: the text in its own tokens.");
    }

    /// <summary>A text that the model writes itself at temperature 0 is greedy in the harness' sense.</summary>
    [TestMethod]
    public async Task Echo_OfAGreedyContinuation_IsGreedy()
    {
        JsonElement written = Choice(await Server.PostAsync(Path, new { prompt = "The dog ran to the", max_tokens = 4, temperature = 0, echo = true }));
        string text = written.GetProperty("text").GetString()!;
        JsonElement choice = Choice(await Server.PostAsync(Path, new { prompt = text, temperature = 0, max_tokens = 0, logprobs = 1, echo = true }));
        (_, double[] logprobs, int[] offsets) = Arrays(choice);
        int context = offsets.Index().First(one => one.Item >= "The dog ran to the".Length).Index;
        Assert.IsTrue(logprobs[context..].Zip(Top(choice)[context..]).All(one => one.First == one.Second.Values.Max()));
    }

    /// <summary>The tokens join to the text as it was given, each where it says.</summary>
    [TestMethod]
    [DataRow("Tom was ", 0)]
    [DataRow("Tom was ", 2)]
    [DataRow("  Tom   was\u00A0happy, \u201Chi\u201D ", 0)]
    [DataRow("Tom  was\n\nhappy\u2026 and", 2)]
    public async Task Echo_TextThatTheTokenizerNormalises_IsJoinedByItsTokens(string prompt, int maxTokens)
    {
        JsonElement choice = Choice(await Server.PostAsync(Path, new { prompt, max_tokens = maxTokens, logprobs = 1, echo = true, seed = 3 }));
        (string[] tokens, _, int[] offsets) = Arrays(choice);
        string text = choice.GetProperty("text").GetString()!;
        Assert.StartsWith(prompt, text);
        Assert.AreEqual(text, string.Concat(tokens));
        AssertAligned(choice, tokens, offsets);
        int was = Array.FindIndex(tokens, token => token.Trim() == "was");
        Assert.AreEqual(text.IndexOf("was", StringComparison.Ordinal), offsets[was] + tokens[was].IndexOf('w', StringComparison.Ordinal));
    }

    /// <summary>Whatever was normalised away, a token begins with its own letters.</summary>
    [TestMethod]
    [DataRow("Tom was ", "Tom|was", "Tom |was")]
    [DataRow("a \u201Ca\u201D b a", "a| \"|a|\"| b| a", "a| \u201C|a|\u201D| b| a")]
    [DataRow("x ``y'' z", "x| \"|y|\"| z", "x| ``|y|''| z")]
    [DataRow("\uD83D\uDE00 hi\u2026 you", "?| hi|...| you", "\uD83D\uDE00| hi|\u2026| you")]
    [DataRow("\u00C9t\u00E9  la", "Et|e| la", "\u00C9t|\u00E9|  la")]
    public void TokenStarts_OfNormalisedTexts_AreThoseOfTheirLetters(string text, string tokens, string expected)
    {
        int[] starts = TokenStarts.Of(text, tokens.Split('|'));
        string[] parts = [.. starts.Select((start, i) => text[start..(i + 1 < starts.Length ? starts[i + 1] : text.Length)])];
        Assert.AreEqual(expected, string.Join('|', parts).TrimEnd(' '));
        Assert.AreEqual(text, string.Concat(parts));
    }

    /// <summary>Clients count code points: the emoji is one, and so is the letter after it.</summary>
    [TestMethod]
    public void TextOffsets_AreInCodePoints() =>
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 4 }, CompletionChoice.CodePoints("\uD83D\uDE00a bc", [0, 2, 3, 5]).ToArray());

    /// <summary>A text without tokens is as the empty one.</summary>
    [TestMethod]
    public async Task Echo_WhiteSpace_HasNoTokens()
    {
        JsonElement choice = Choice(await Server.PostAsync(Path, new { prompt = " ", max_tokens = 0, logprobs = 1, echo = true }));
        Assert.AreEqual(" ", choice.GetProperty("text").GetString());
        Assert.AreEqual(0, choice.GetProperty("logprobs").GetProperty("tokens").GetArrayLength());
    }

    [TestMethod]
    public async Task Echo_TooLong_TellsTheLength()
    {
        JsonElement error = await Server.RefuseAsync(Path, new { prompt = string.Concat(Enumerable.Repeat("The dog ran. ", 60)), max_tokens = 0, echo = true, logprobs = 1 });
        Assert.AreEqual("context_length_exceeded", error.GetProperty("code").GetString());
    }

    [TestMethod]
    public async Task Echo_NoText_HasNoTokens()
    {
        JsonElement choice = Choice(await Server.PostAsync(Path, new { prompt = "", max_tokens = 0, logprobs = 1, echo = true }));
        Assert.AreEqual("", choice.GetProperty("text").GetString());
        Assert.AreEqual(0, choice.GetProperty("logprobs").GetProperty("tokens").GetArrayLength());
    }

    private static JsonElement Choice(JsonElement answer) => answer.GetProperty("choices")[0];

    private static (string[] Tokens, double[] Logprobs, int[] Offsets) Arrays(JsonElement choice)
    {
        JsonElement logprobs = choice.GetProperty("logprobs");
        string[] tokens = [.. logprobs.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!)];
        double[] values = [.. logprobs.GetProperty("token_logprobs").EnumerateArray().Select(value => value.GetDouble())];
        int[] offsets = [.. logprobs.GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32())];
        Assert.HasCount(tokens.Length, values);
        Assert.HasCount(tokens.Length, offsets);
        Assert.IsTrue(Array.TrueForAll(values, value => value <= 0));
        return (tokens, values, offsets);
    }

    private static Dictionary<string, double>[] Top(JsonElement choice) =>
        [.. choice.GetProperty("logprobs").GetProperty("top_logprobs").EnumerateArray().Select(top => top.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetDouble()))];

    private static void AssertAligned(JsonElement choice, string[] tokens, int[] offsets)
    {
        string text = choice.GetProperty("text").GetString()!;
        foreach ((string token, int offset) in tokens.Zip(offsets))
            Assert.AreEqual(token, text.Substring(offset, token.Length));
    }

    private static void AssertTop(JsonElement choice, string[] tokens, double[] logprobs, int count)
    {
        Dictionary<string, double>[] top = Top(choice);
        Assert.HasCount(tokens.Length, top);
        for (int i = 0; i < tokens.Length; i++)
        {
            Assert.IsGreaterThanOrEqualTo(1, top[i].Count);
            Assert.IsLessThanOrEqualTo(count + 1, top[i].Count);
            Assert.AreEqual(logprobs[i], top[i][tokens[i]]);
            Assert.IsLessThanOrEqualTo(1 + 1e-6, top[i].Values.Sum(Math.Exp));
        }
    }
}
