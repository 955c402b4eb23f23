using System.Text.Json;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>asarm infill on one text. The default model's weights may change, so no test expects certain words; where not even their distribution matters, a small model fills the text.</summary>
[TestClass]
public sealed class InfillTests
{
    private const string Text = "Once upon a time there was <mask:4> who had <mask:2> friends.";

    private static readonly string[] _fields =
        ["text", "gaps", "gap_details", "tokens", "nfe", "drafted", "accepted", "log_prob", "elapsed_ms", "sampler", "seed", "model", "device"];

    [TestMethod]
    public void Infill_Plain_PrintsTheTextAndItsFigures()
    {
        AsarmResult result = AsarmCommand.Run("infill", Text, "--seed", "7").Done();
        Assert.HasCount(1, result.OutputLines);
        Assert.StartsWith("Once upon a time there was", result.Output);
        Assert.EndsWith(" friends." + Environment.NewLine, result.Output);
        Assert.DoesNotContain("<mask", result.Output);
        Assert.HasCount(1, result.ErrorLines);
        foreach (string figure in new[] { "6 tokens", "fused", "seed 7", Models.DefaultName, "cpu" })
            Assert.Contains(figure, result.Error);
    }

    [TestMethod]
    public void Infill_Json_HasEveryFieldOfTheContract()
    {
        AsarmResult result = AsarmCommand.Run("infill", Text, "--seed", "7", "--json").Done();
        Assert.AreEqual("", result.Error);
        Assert.HasCount(1, result.OutputLines);
        JsonElement json = result.Json;
        CollectionAssert.AreEquivalent(_fields, json.EnumerateObject().Select(field => field.Name).ToArray());
        string[] gaps = Gaps(json);
        Assert.HasCount(2, gaps);
        Assert.AreEqual($"Once upon a time there was {gaps[0]} who had {gaps[1]} friends.", json.GetProperty("text").GetString());
        Assert.AreEqual(6, Number(json, "tokens"));
        Assert.IsInRange(1, 6, Number(json, "nfe"));
        Assert.IsInRange(0, Number(json, "drafted"), Number(json, "accepted"));
        Assert.IsLessThan(0, json.GetProperty("log_prob").GetDouble());
        Assert.IsGreaterThan(0, json.GetProperty("elapsed_ms").GetDouble());
        Assert.AreEqual("fused", json.GetProperty("sampler").GetString());
        Assert.AreEqual(7, Number(json, "seed"));
        Assert.AreEqual(Models.DefaultName, json.GetProperty("model").GetString());
        Assert.AreEqual("cpu", json.GetProperty("device").GetString());
    }

    [TestMethod]
    public void Infill_Samples_EqualSingleRunsWithTheirSeeds()
    {
        AsarmResult result = AsarmCommand.Run("infill", Text, "--seed", "-1", "--samples", "3", "--json").Done();
        JsonElement json = result.Json;
        Assert.AreEqual("samples", json.EnumerateObject().Single().Name);
        JsonElement[] samples = [.. json.GetProperty("samples").EnumerateArray()];
        Assert.HasCount(3, samples);
        for (int i = 0; i < samples.Length; i++)
        {
            Assert.AreEqual(i - 1, Number(samples[i], "seed"));
            AreSame(Single(Text, "--draft-mode", "throughput", "--seed", $"{i - 1}"), samples[i]);
        }
    }

    [TestMethod]
    public void Infill_ForwardPassOverhead_DeterminesHowFarFusedDrafts()
    {
        const string Gap = "Once upon a time <mask:20> and they lived there.";
        Assert.AreEqual(20, Number(Single(Gap, "--seed", "1", "--forward-pass-overhead", "0.1"), "nfe"), "Rows are expensive: one token per forward pass.");
        Assert.IsLessThan(20, Number(Single(Gap, "--seed", "1", "--forward-pass-overhead", "200"), "nfe"));
        foreach (string bad in new[] { "0", "-1", "NaN", "x" })
            AsarmCommand.Run("infill", Gap, "--forward-pass-overhead", bad).IsBadInput("--forward-pass-overhead");
    }

    [TestMethod]
    public void Infill_OneSample_IsStillAnArray() =>
        Assert.AreEqual(1, AsarmCommand.RunSmall("infill", Text, "--samples", "1", "--json").Done().Json.GetProperty("samples").GetArrayLength());

    [TestMethod]
    public void Infill_PlainSamples_PrintALineEach()
    {
        AsarmResult result = AsarmCommand.RunSmall("infill", Text, "--seed", "20", "--samples", "18").Done();
        Assert.HasCount(18, result.OutputLines);
        Assert.HasCount(18, result.ErrorLines);
        Assert.Contains("seed 37,", result.ErrorLines[^1]);
    }

    /// <summary>The mode decides, not the company: a sample in latency mode is the text that its seed gives alone.</summary>
    [TestMethod]
    public void Infill_SamplesInLatencyMode_EqualSingleRunsWithoutAMode()
    {
        const string Long = "Once upon a time <mask:20> lived there.";
        JsonElement[] samples = [.. AsarmCommand.Run("infill", Long, "--seed", "1", "--samples", "3", "--draft-mode", "latency", "--json").Done().Json.GetProperty("samples").EnumerateArray()];
        for (int i = 0; i < samples.Length; i++)
            AreSame(Single(Long, "--seed", $"{i + 1}"), samples[i]);
        Assert.IsTrue(samples.Any(sample => Number(sample, "nfe") < 20), "It drafts.");
    }

    [TestMethod]
    public void Infill_WithoutASeed_NamesTheOneThatRepeatsIt()
    {
        JsonElement drawn = SmallSingle(Text);
        AreSame(drawn, SmallSingle(Text, "--seed", drawn.GetProperty("seed").GetRawText()));
    }

    [TestMethod]
    public void Infill_OtherSeeds_GiveOtherTexts()
    {
        JsonElement samples = AsarmCommand.RunSmall("infill", "The <mask:12> end.", "--seed", "1", "--samples", "8", "--json").Done().Json.GetProperty("samples");
        Assert.IsGreaterThan(1, samples.EnumerateArray().Select(sample => sample.GetProperty("text").GetString()).Distinct().Count());
    }

    [TestMethod]
    [DataRow("--sampler", "fused")]
    [DataRow("--sampler", "assd")]
    [DataRow("--sampler", "ngram")]
    [DataRow("--sampler", "sequential")]
    [DataRow("--sampler", "parallel")]
    [DataRow("--order", "left-to-right")]
    [DataRow("--order", "right-to-left")]
    [DataRow("--order", "random")]
    [DataRow("--temperature", "0.7")]
    [DataRow("--temperature", "1e-40")]
    [DataRow("--temperature", "1e300")]
    [DataRow("--top-k", "1")]
    [DataRow("--top-k", "2147483647")]
    [DataRow("--top-p", "0.9")]
    [DataRow("--top-p", "1")]
    [DataRow("--top-p", "1e-300")]
    [DataRow("--draft-length", "1")]
    [DataRow("--draft-length", "1000")]
    [DataRow("--seed", "-9223372036854775808")]
    [DataRow("--seed", "9223372036854775807")]
    [DataRow("--threads", "1")]
    [DataRow("--device", "cpu")]
    public void Infill_EachOption_IsTaken(string option, string value)
    {
        JsonElement json = SmallSingle(Text, option, value);
        Assert.AreEqual(6, Number(json, "tokens"));
        Assert.IsInRange(1, 6, Number(json, "nfe"));
        if (json.TryGetProperty(option[2..], out JsonElement said))
            Assert.AreEqual(value, said.ToString());
    }

    [TestMethod]
    [DataRow("--sampler=assd", "--order=random", "--draft-length=3")]
    [DataRow("--sampler=fused", "--order=random")]
    [DataRow("--sampler=fused", "--draft-length=4", "--temperature=0.7")]
    [DataRow("--sampler=ngram", "--order=right-to-left")]
    [DataRow("--sampler=parallel", "--draft-length=2")]
    [DataRow("--sampler=sequential", "--order=right-to-left", "--temperature=0.9", "--top-k=50", "--top-p=0.95")]
    public void Infill_SameSeed_GivesTheSameText(params string[] options) =>
        AreSame(SmallSingle(Text, [.. options, "--seed=3"]), SmallSingle(Text, [.. options, "--seed=3"]));

    /// <summary>The cross-check that --no-cache is there for; integer products amplify the rounding by which both differ.</summary>
    [TestMethod]
    [DataRow("--sampler=fused")]
    [DataRow("--sampler=assd")]
    [DataRow("--sampler=sequential", "--order=random", "--temperature=0.8")]
    public void Infill_WithoutTheCache_IsTheSame(params string[] options) =>
        AreSame(Single(Text, [.. options, "--seed=8", "--float32"]), Single(Text, [.. options, "--seed=8", "--float32", "--no-cache"]));

    /// <summary>A float32 model computes in float32 anyway; a float16 model has no graphs for it.</summary>
    [TestMethod]
    public void Infill_Float32OfOtherPrecisions_IsTheSameOrRefused()
    {
        AreSame(Single("A <mask> day.", "--model", Models.Text, "--seed=1"), Single("A <mask> day.", "--model", Models.Text, "--seed=1", "--float32"));
        AsarmCommand.Run("score", "A [[fine]] day.", "--model", Models.InPrecision("float16"), "--float32").IsBadInput("float16", "float32");
        AsarmCommand.Run("score", "A [[fine]] day.", "--model", Models.InPrecision("int8"), "--float32").IsBadInput("model_float32.onnx", "export it again");
        Assert.AreNotEqual(
            AsarmCommand.Run("score", "A [[fine]] day.", "--json").Done().Output, AsarmCommand.Run("score", "A [[fine]] day.", "--json", "--float32").Done().Output);
    }

    [TestMethod]
    public void Infill_Sequential_TakesOneForwardPassPerToken()
    {
        JsonElement json = SmallSingle(Text, "--sampler", "sequential", "--order", "random", "--seed", "4");
        Assert.AreEqual((6, 6), (Number(json, "tokens"), Number(json, "nfe")));
        Assert.AreEqual((0, 0), (Number(json, "drafted"), Number(json, "accepted")));
    }

    [TestMethod]
    public void Infill_Parallel_TakesOneForwardPassForAll()
    {
        Assert.AreEqual(1, Number(SmallSingle(Text, "--sampler", "parallel", "--seed", "4"), "nfe"));
        Assert.AreEqual(3, Number(SmallSingle(Text, "--sampler", "parallel", "--draft-length", "2", "--seed", "4"), "nfe"));
        Assert.Contains("NOT exact", AsarmCommand.RunSmall("infill", "--help").Done().Output.ReplaceLineEndings(" ").Replace("  ", ""));
    }

    /// <summary>One candidate is left for each token, so that neither seed nor sampler matters, and its probability is one.</summary>
    [TestMethod]
    public void Infill_OneCandidate_IsTheSameForEverySeedAndSampler()
    {
        JsonElement first = SmallSingle(Text, "--top-k", "1", "--seed", "1");
        Assert.AreEqual(0, first.GetProperty("log_prob").GetDouble(), 1e-9);
        string?[] texts = [
            SmallSingle(Text, "--top-k", "1", "--seed", "2").GetProperty("text").GetString(),
            SmallSingle(Text, "--top-p", "1e-9", "--seed", "3").GetProperty("text").GetString(),
            SmallSingle(Text, "--top-k", "1", "--sampler", "sequential").GetProperty("text").GetString(),
        ];
        foreach (string? text in texts)
            Assert.AreEqual(first.GetProperty("text").GetString(), text);
    }

    /// <summary>`model` is the control: it loses the space with some of the same seeds.</summary>
    [TestMethod]
    public void Infill_SpaceTypedBeforeAGap_StaysUnlessLeftToTheModel()
    {
        string[] Texts(string spacing) =>
            [.. AsarmCommand.Run("infill", "A <mask:2> day.", "--seed", "1", "--samples", "60", "--temperature", "1.5", "--gap-spacing", spacing).Done().OutputLines.Where(line => line.EndsWith(" day.", StringComparison.Ordinal))];
        Assert.HasCount(60, Texts("typed").Where(text => text.StartsWith("A ", StringComparison.Ordinal)));
        Assert.Contains(text => !text.StartsWith("A ", StringComparison.Ordinal), Texts("model"));
    }

    [TestMethod]
    public void Infill_TemperatureZero_GivesTheSameTextForEverySeedAndExactSampler()
    {
        string[] texts = [.. from sampler in (string[])["fused", "assd", "ngram", "sequential"]
                             from seed in (string[])["1", "2"]
                             select AsarmCommand.RunSmall("infill", "The little dog <mask:4> the garden.", "--temperature", "0", "--sampler", sampler, "--seed", seed).Done().Output];
        Assert.HasCount(1, texts.Distinct());
        JsonElement json = AsarmCommand.RunSmall("infill", "The little dog <mask:4> the garden.", "--temperature", "0", "--json").Done().Json;
        Assert.IsLessThan(-1, json.GetProperty("log_prob").GetDouble()); // of temperature 1
    }

    [TestMethod]
    [DataRow("<mask:3> was happy.", "", " was happy.")]
    [DataRow("Tom was <mask:3>", "Tom was ", "")]
    [DataRow("<mask:3>", "", "")]
    [DataRow("  <mask:2>  ", "  ", "  ")]
    public void Infill_GapAtTheBeginningOrEnd_IsFilled(string text, string before, string after) =>
        IsFilled(SmallSingle(text, "--seed", "5"), before, after);

    [TestMethod]
    public void Infill_GapAtTheBeginning_StartsWithoutASpace() =>
        Assert.DoesNotStartWith(" ", SmallSingle("<mask:3> was happy.", "--seed", "5").GetProperty("text").GetString()!);

    [TestMethod]
    public void Infill_SeveralGapsSomeOfThemAdjacent_AreFilledEach()
    {
        JsonElement json = SmallSingle("<mask><mask:2> and <mask> or <mask:3><mask>", "--seed", "6");
        string[] gaps = Gaps(json);
        Assert.HasCount(5, gaps);
        Assert.AreEqual($"{gaps[0]}{gaps[1]} and {gaps[2]} or {gaps[3]}{gaps[4]}", json.GetProperty("text").GetString());
        Assert.AreEqual(8, Number(json, "tokens"));
    }

    /// <summary>Given text is unchanged whatever the tokenizer makes of it; a single space before a gap belongs to the gap.</summary>
    [TestMethod]
    [DataRow("Two  spaces  <mask>  here", "Two  spaces ", "  here")]
    [DataRow("Tab\t<mask>\tand\ttab", "Tab\t", "\tand\ttab")]
    [DataRow("Line\n\n<mask>\r\nend\n", "Line\n\n", "\r\nend\n")]
    [DataRow("Smile 😀<mask>👩‍👩‍👧 🏴", "Smile 😀", "👩‍👩‍👧 🏴")]
    [DataRow("ﬁne ﬂow ½ ① Ⅷ Å <mask> ﬁn", "ﬁne ﬂow ½ ① Ⅷ Å", " ﬁn")]
    [DataRow("e\u0301 a\u0308 n\u0303 <mask> e\u0301", "e\u0301 a\u0308 n\u0303", " e\u0301")]
    [DataRow("日本語 <mask> ру́сский العربية", "日本語", " ру́сский العربية")]
    [DataRow("\u00A0\u200B\u202E<mask>\u2028\u3000\u2581", "\u00A0\u200B\u202E", "\u2028\u3000\u2581")]
    [DataRow("“Quotes” ‘and’ … — <mask>’s", "“Quotes” ‘and’ … —", "’s")]
    [DataRow(@"C:\dir\new \ \\ <mask> \", @"C:\dir\new \ \\", @" \")]
    [DataRow(@"A \<mask> and \[[span]] and \<mask:0> are <mask>.", @"A <mask> and \[[span]] and <mask:0> are", ".")]
    [DataRow(@"LaTeX \[ x + <mask> \]", @"LaTeX \[ x +", @" \]")]
    [DataRow(@"regex \[a-z\]+ <mask>", @"regex \[a-z\]+", "")]
    [DataRow(@"C:\dir\\<mask>.txt", @"C:\dir\", ".txt")]
    [DataRow("A <b> tag, <masked>, 1 < 2, [[a]] span <mask> <mask", "A <b> tag, <masked>, 1 < 2, [[a]] span", " <mask")]
    [DataRow("\"Quoted\" 'text' $HOME `x` %PATH% & | ; <mask> *?", "\"Quoted\" 'text' $HOME `x` %PATH% & | ;", " *?")]
    [DataRow("<sep> <cls> <unk> <pad> </s> <eop> <mask> <sep>", "<sep> <cls> <unk> <pad> </s> <eop>", " <sep>")]
    [DataRow("@file <mask>.", "@file", ".")]
    [DataRow("[diagram] <mask>.", "[diagram]", ".")]
    [DataRow("-5 degrees, <mask>.", "-5 degrees,", ".")]
    [DataRow("/? <mask>.", "/?", ".")]
    public void Infill_GivenText_ComesBackByteForByte(string text, string before, string after)
    {
        string output = AsarmCommand.RunSmall("infill", text, "--seed", "5").Done().Output;
        Assert.StartsWith(before, output);
        Assert.EndsWith(after + Environment.NewLine, output);
    }

    [TestMethod]
    public void Infill_TextThatLooksLikeAnOption_IsTakenAfterTwoDashes() =>
        Assert.StartsWith("--json", AsarmCommand.RunSmall("infill", "--seed", "1", "--", "--json <mask>").Done().Output);

    [TestMethod]
    public void Infill_LocaleOfAnotherEncoding_StillPrintsUtf8()
    {
        AsarmResult result = AsarmCommand.RunIn([("LC_ALL", "de_DE.ISO-8859-1"), ("LANG", "de_DE.ISO-8859-1")], "infill", "日本 é 😀 <mask> ∎").Done();
        Assert.StartsWith("日本 é 😀", result.Output);
        Assert.EndsWith(" ∎" + Environment.NewLine, result.Output);
    }

    private static JsonElement Single(string text, params string[] options) => AsarmCommand.Run(["infill", text, "--json", .. options]).Done().Json;

    private static JsonElement SmallSingle(string text, params string[] options) => AsarmCommand.RunSmall(["infill", text, "--json", .. options]).Done().Json;

    private static void IsFilled(JsonElement json, string before, string after) =>
        Assert.AreEqual(before + Gaps(json).Single() + after, json.GetProperty("text").GetString());

    private static void AreSame(JsonElement expected, JsonElement actual)
    {
        Assert.AreEqual(expected.GetProperty("text").GetString(), actual.GetProperty("text").GetString());
        CollectionAssert.AreEqual(Gaps(expected), Gaps(actual));
        Assert.AreEqual(expected.GetProperty("log_prob").GetDouble(), actual.GetProperty("log_prob").GetDouble(), 1e-3);
    }

    private static string[] Gaps(JsonElement json) => [.. json.GetProperty("gaps").EnumerateArray().Select(gap => gap.GetString()!)];

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();
}
