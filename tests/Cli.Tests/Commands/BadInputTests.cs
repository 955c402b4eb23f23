using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>Texts, options and devices that are refused: exit code 2, one line that names the thing, nothing written.</summary>
[TestClass]
public sealed class BadInputTests
{
    private const string Text = "A <mask> day.";

    /// <summary>Where there is no text beside it, the parser takes a misspelt option for the text.</summary>
    [TestMethod]
    [DataRow("infill")]
    [DataRow("score")]
    [DataRow("tokens")]
    public void Command_UnknownOptionInPlaceOfTheText_IsNamed(string command)
    {
        AsarmCommand.RunSmall(command, "--peices").IsBadInput("Unknown option '--peices'");
        AsarmCommand.RunSmall(command, "--peices=1").IsBadInput("Unknown option '--peices=1'");
    }

    [TestMethod]
    [DataRow("--", "--peices")]
    [DataRow("-- is a dash")]
    [DataRow("--a dash")]
    [DataRow("---")]
    public void Tokens_TextThatBeginsWithDashes_IsCounted(params string[] text) => AsarmCommand.RunSmall(["tokens", .. text]).Done();

    [TestMethod]
    public void Tokens_TrueAfterAFlag_IsTheText() => Assert.Contains("\"tokens\":", AsarmCommand.RunSmall("tokens", "--json", "true").Done().Output);

    [TestMethod]
    public void Infill_SamplesPastTheLastSeed_AreRefused() =>
        AsarmCommand.RunSmall("infill", Text, "--seed", "9223372036854775807", "--samples", "2").IsBadInput("--samples: 2 seeds from 9223372036854775807 go past");

    [TestMethod]
    public void Infill_LineNestedTooDeep_SaysSo()
    {
        string line = $$"""{"id": {{new string('[', 64)}}{{new string(']', 64)}}, "text": "A <mask> day."}""";
        AsarmResult result = AsarmCommand.RunSmallOn(System.Text.Encoding.UTF8.GetBytes(line), "infill", "--input", "-");
        Assert.Contains("nested more than 64 deep", result.ErrorLines[0]);
    }

    [TestMethod]
    [DataRow("", "no gap")]
    [DataRow("No gap at all.", "no gap")]
    [DataRow(@"An escaped \<mask>.", "no gap")]
    [DataRow("<mask", "no gap")]
    [DataRow("[[A span]] is no gap.", "no gap")]
    [DataRow("A <mask:0> day.", "character 2")]
    [DataRow("A <mask:00> day.", "character 2")]
    [DataRow("A <mask:-1> day.", "character 2")]
    [DataRow("A <mask:two> day.", "character 2")]
    [DataRow("A <mask:> day.", "character 2")]
    [DataRow("A <mask: 2> day.", "character 2")]
    [DataRow("A <mask:2 day.", "character 2")]
    [DataRow("A <mask> day, a <mask:x> night.", "character 16")]
    [DataRow("A <mask:99999999999999999999999999> day.", "character 2")]
    [DataRow("A <mask:9223372036854775807> day.", "takes")]
    [DataRow("A <mask:2000000000> day <mask:2000000000>.", "4000000003 tokens")]
    [DataRow("<mask:99999999999>", "100000000000 tokens")]
    [DataRow("A <MASK> day.", "'<MASK>' at character 2 is plain text, not a gap: a gap is <mask>")]
    [DataRow("A [MASK] day.", "'[MASK]' at character 2")]
    public void Infill_BadGaps_AreNamed(string text, string named) => AsarmCommand.RunSmall("infill", text).IsBadInput(named);

    [TestMethod]
    public void Infill_MoreTokensThanTheMaximum_IsRefusedWithBothNumbers()
    {
        int maximum = Models.TextMaxLength;
        AsarmCommand.RunSmall("infill", $"A <mask:{maximum}> day.").IsBadInput($"takes {maximum}");
        AsarmCommand.RunSmall("infill", $"<mask:{maximum + 1}>").IsBadInput($"{maximum + 2} tokens", "separator", $"takes {maximum}");
        AsarmCommand.RunSmall("infill", $"A <mask:{maximum + 1}>").IsBadInput($"{maximum + 2} tokens", $"takes {maximum}", "--window", "a longer maximum");
        AsarmCommand.RunSmall("infill", string.Concat(Enumerable.Repeat("a day ", maximum)) + "<mask>").IsBadInput($"takes {maximum}");
        AsarmCommand.RunSmall("score", string.Concat(Enumerable.Repeat("a day ", maximum)) + "[[here]]").IsBadInput($"takes {maximum}");
    }

    /// <summary>Where no token is given, a separator is put first and counts.</summary>
    [TestMethod]
    public void Infill_OnlyAGap_FillsUpToTheMaximumLessOne()
    {
        int maximum = Models.TextMaxLength;
        AsarmResult result = AsarmCommand.RunSmall("infill", $"<mask:{maximum - 1}>", "--json", "--top-k", "1", "--draft-length", "32").Done();
        Assert.AreEqual(maximum - 1, result.Json.GetProperty("tokens").GetInt32());
        AsarmCommand.RunSmall("infill", $"<mask:{maximum}>").IsBadInput($"{maximum + 1} tokens", $"takes {maximum}");
    }

    [TestMethod]
    [DataRow("--sampler", "magic")]
    [DataRow("--sampler", "ASSD")]
    [DataRow("--order", "sideways")]
    [DataRow("--draft-mode", "fast")]
    [DataRow("--draft-mode", "")]
    [DataRow("--device", "gpu")]
    [DataRow("--temperature", "-0.1")]
    [DataRow("--temperature", "-1")]
    [DataRow("--temperature", "NaN")]
    [DataRow("--temperature", "Infinity")]
    [DataRow("--temperature", "warm")]
    [DataRow("--temperature", "0,7")]
    [DataRow("--top-p", "0")]
    [DataRow("--top-p", "-0.1")]
    [DataRow("--top-p", "1.1")]
    [DataRow("--top-p", "NaN")]
    [DataRow("--top-k", "0")]
    [DataRow("--top-k", "-1")]
    [DataRow("--top-k", "1.5")]
    [DataRow("--top-k", "1,000")]
    [DataRow("--draft-length", "0")]
    [DataRow("--draft-length", "-3")]
    [DataRow("--draft-length", "99999999999")]
    [DataRow("--samples", "0")]
    [DataRow("--samples", "10001")]
    [DataRow("--threads", "0")]
    [DataRow("--seed", "one")]
    public void Infill_OptionOutOfItsRange_IsNamedWithItsValue(string option, string value) =>
        AsarmCommand.Run("infill", Text, option, value).IsBadInput(option[2..], $"'{value}'");

    [TestMethod]
    [DataRow("--sampler", "magic")]
    [DataRow("--device", "gpu")]
    [DataRow("--temperature", "-0.1")]
    public void Infill_OptionOutOfItsRangeForAFile_WritesNone(string option, string value)
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.jsonl", """{"text": "A <mask> day."}"""u8.ToArray());
        AsarmCommand.Run("infill", "--input", input, "--output", folder.In("out.jsonl"), option, value).IsBadInput(option[2..], $"'{value}'");
        Assert.IsFalse(File.Exists(folder.In("out.jsonl")));
    }

    [TestMethod]
    [DataRow("infill", Text, "--model")]
    [DataRow("infill", Text, "--seed")]
    [DataRow("score", "A [[fine]] day.", "--model")]
    [DataRow("verify", "--golden")]
    public void Command_OptionWithoutAValue_IsNamed(params string[] arguments) => AsarmCommand.Run(arguments).IsBadInput(arguments[^1]);

    [TestMethod]
    [DataRow("--model", "infill", Text, "--model", "")]
    [DataRow("--input", "infill", "--input", "")]
    [DataRow("--output", "infill", "--input", "-", "--output", "")]
    [DataRow("--golden", "verify", "--golden", "")]
    [DataRow("--model", "info", "--model", "")]
    public void Command_EmptyPath_IsNamed(string option, params string[] arguments) => AsarmCommand.Run(arguments).IsBadInput($"{option} is empty");

    [TestMethod]
    [DataRow("'--colour'", "infill", Text, "--colour")]
    [DataRow("'--colour'", "infill", "--colour", Text)]
    [DataRow("'--colour'", "infill", "--colour", "red", Text)]
    [DataRow("'--temprature'", "infill", "--temprature", "0.5", Text)]
    [DataRow("'--sampler'", "score", "A [[fine]] day.", "--sampler", "assd")]
    [DataRow("'-x'", "infill", "-x", Text)]
    [DataRow("'--colour'", "verify", "--colour")]
    [DataRow("'extra'", "infill", Text, "extra")]
    [DataRow("'dream'", "dream")]
    [DataRow("'--colour'", "--colour")]
    [DataRow("--seed", "infill", Text, "--seed", "1", "--seed", "2")]
    public void Command_WhatItDoesNotKnow_IsNamed(string named, params string[] arguments) => AsarmCommand.Run(arguments).IsBadInput(named);

    [TestMethod]
    [DataRow("TEXT", "infill")]
    [DataRow("TEXT", "infill", Text, "--input", "-")]
    [DataRow("--output", "infill", Text, "--output", "out.jsonl")]
    [DataRow("--samples", "infill", "--input", "-", "--samples", "2")]
    [DataRow("either a TEXT or --input", "score")]
    public void Command_ArgumentsThatDoNotGoTogether_AreNamed(string named, params string[] arguments)
    {
        AsarmCommand.Run(arguments).IsBadInput(named);
        Assert.IsFalse(File.Exists("out.jsonl"));
    }

    [TestMethod]
    [DataRow("Nothing is marked.", "marks no span")]
    [DataRow(@"An escaped \[[span]].", "marks no span")]
    [DataRow("A [[fine day.", "character 2")]
    [DataRow("A [[fine]] day, a [[good night.", "character 18")]
    [DataRow("A [[]] day.", "no token")]
    [DataRow("A [[fine]] <mask>.", "gaps")]
    [DataRow("A [[fine <mask:2>]] day.", "character 2")]
    [DataRow("A <mask:x> [[fine]] day.", "character 2")]
    [DataRow("A [[日本]] day.", "[[日本]]")]
    public void Score_BadSpans_AreNamed(string text, string named) => AsarmCommand.RunSmall("score", text).IsBadInput(named);

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    [DataRow("infill", @"A \377 <mask>")]
    [DataRow("infill", @"A caf\351 <mask>")]
    [DataRow("infill", @"\355\240\200 <mask>")]
    [DataRow("score", @"A \300\257 [[fine]] day.")]
    public void Command_TextOfInvalidUtf8_IsRefused(string command, string text) =>
        AsarmCommand.RunOnRawText(command, text).IsBadInput("TEXT", "UTF-8");

    /// <summary>With every GPU hidden, the error is the same in builds with and without its libraries.</summary>
    [TestMethod]
    [DataRow("cuda", "infill", Text)]
    [DataRow("tensorrt", "infill", Text)]
    [DataRow("cuda", "score", "A [[fine]] day.")]
    [DataRow("cuda", "verify")]
    public void Command_GpuThatIsNotThere_SaysWhichDevicesAreAndHowToAddIt(string device, params string[] arguments) =>
        AsarmCommand.RunIn([("CUDA_VISIBLE_DEVICES", "-1")], [.. arguments, "--device", device])
            .IsBadInput($"Device {device} is not available", "Available: cpu", "AsArmGpu=true");

    [TestMethod]
    public void Infill_InputThatCannotBeRead_IsNamed()
    {
        using var folder = new TemporaryFolder();
        AsarmCommand.Run("infill", "--input", folder.In("none.jsonl"), "--output", folder.In("out.jsonl")).IsBadInput("--input", "none.jsonl");
        AsarmCommand.Run("infill", "--input", folder.Path, "--output", folder.In("out.jsonl")).IsBadInput("--input", folder.Path);
        Assert.IsEmpty(Directory.GetFiles(folder.Path));
    }

    [TestMethod]
    public void Infill_OutputThatCannotBeWritten_IsNamed()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.jsonl", """{"text": "A <mask> day."}"""u8.ToArray());
        AsarmCommand.Run("infill", "--input", input, "--output", folder.In("none/out.jsonl")).IsBadInput("--output", "none/out.jsonl");
        AsarmCommand.Run("infill", "--input", input, "--output", folder.Path).IsBadInput("--output", folder.Path);
    }
}
