using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>asarm bench: its tables and the last lines that scripts read; no test expects a certain time.</summary>
[TestClass]
public sealed class BenchTests
{
    private static readonly string s_document =
        string.Join(' ', Enumerable.Repeat("The little dog ran to the red house and the big cat sat on the old mat by the door.", 40));

    [TestMethod]
    public void Bench_DefaultModel_ComparesEverySamplerOnEveryKind()
    {
        AsarmResult result = AsarmCommand.RunAsProcess("bench", "--repeats", "1").Done();
        foreach (string sampler in new[] { "fused", "assd", "ngram", "sequential", "parallel" })
            Assert.AreEqual(20, Regex.Count(result.Output, $@"│ {sampler} +│ \d"), sampler);
        Assert.MatchesRegex(@"Total variation .*: 2 tokens 0\.\d\d ± 0\.\d\d; 4 tokens [01]\.\d\d", result.Output);
        Assert.MatchesRegex(@"\nA forward pass costs as much beside its tokens as [\d.]+ tokens, one of 16 sequences as [\d.]+ tokens of each\.\r?\n", result.Output);
        string[] last = [.. result.OutputLines.TakeLast(4)];
        string[] names = ["tokens per pass best/assd one gap", "tokens per pass best/assd many gaps", "time per token sequential/best one gap", "time per token sequential/best many gaps"];
        for (int i = 0; i < names.Length; i++)
            Assert.MatchesRegex($@"^{names[i]}: \d+\.\d{{3}}$", last[i]);
        Assert.IsGreaterThan(1.2, double.Parse(last[0].Split(": ")[1], CultureInfo.InvariantCulture), "Calls do not depend on the machine.");
    }

    [TestMethod]
    [DataRow("0")]
    [DataRow("x")]
    public void Bench_BadRepeats_AreRefused(string repeats) => AsarmCommand.Run("bench", "--repeats", repeats).IsBadInput("--repeats");

    [TestMethod]
    public void Bench_ModelWithoutATokenizer_IsRefused() => AsarmCommand.Run("bench", "--model", Models.Tiny).IsBadInput("tokenizer");

    /// <summary>The figures are in the folder then, everything else is as it was, and the command plans by them.</summary>
    [TestMethod]
    public void Bench_Write_PutsTheFiguresIntoTheFolder()
    {
        using var model = new ModelCopy(Models.Default);
        using var texts = new TemporaryFolder();
        model.EditManifest(manifest => manifest.Remove("drafting"));
        string before = File.ReadAllText(model.In("asarm.json"));
        File.WriteAllText(texts.In("a.txt"), $"{s_document}<|endoftext|>\n{s_document}");
        File.WriteAllText(texts.In("b.txt"), s_document);
        AsarmResult result = AsarmCommand.RunAsProcess("bench", "--write", "--repeats", "1", "--model", model.Path, "--text", texts.In("a.txt"), texts.In("b.txt")).Done();
        Assert.MatchesRegex(@"^\S+, cpu: \d+ draft tokens verified\. acceptance .*network 0?\.\d+.*; forward-pass overhead on cpu: [\d.]+ tokens, in batches [\d.]+\.$", result.OutputLines.Single());
        string after = File.ReadAllText(model.In("asarm.json"));
        Assert.StartsWith(before.TrimEnd()[..^1].TrimEnd(), after);
        JsonNode drafting = JsonNode.Parse(after)!["drafting"]!;
        Assert.HasCount(5, drafting["acceptance"]!["network"]!["left"]!.AsArray());
        Assert.IsGreaterThan(0, (double)drafting["forward_pass_overhead"]!["cpu"]!["alone"]!);
        Assert.MatchesRegex(@"drafting +│ acceptance beside", AsarmCommand.Run("info", "--model", model.Path).Done().Output);
        AsarmCommand.Run("infill", "Once upon a time <mask:8> end.", "--model", model.Path).Done();
        AsarmCommand.Run("verify", "--model", model.Path).Done();
    }

    [TestMethod]
    public void Bench_WriteTextThatIsNone_IsRefused()
    {
        using var texts = new TemporaryFolder();
        File.WriteAllText(texts.In("short.txt"), "Once upon a time.");
        File.WriteAllBytes(texts.In("latin.txt"), [0x63, 0x61, 0x66, 0xE9]);
        AsarmCommand.Run("bench", "--write", "--text", texts.In("short.txt")).IsBadInput("short.txt", "too short");
        AsarmCommand.Run("bench", "--write", "--text", texts.In("latin.txt")).IsBadInput("latin.txt", "UTF-8");
        AsarmCommand.Run("bench", "--write", "--text", texts.In("none.txt")).IsBadInput("none.txt");
        AsarmCommand.Run("bench", "--write", "--text", texts.Path).IsBadInput("folder");
        AsarmCommand.Run("bench", "--write", "--text", "").IsBadInput("--text");
        AsarmCommand.Run("bench", "--write", "--text", "/dev/zero").IsBadInput("/dev/zero", "MiB");
        AsarmCommand.Run("bench", "--text", texts.In("short.txt")).IsBadInput("--text goes with --write");
        AsarmCommand.Run("bench", "--write", "--model", Models.Tiny).IsBadInput("tokenizer");
    }

    /// <summary>Found out before anything is measured.</summary>
    [TestMethod]
    public void Bench_WriteWhereNothingCanBeWritten_IsOneLine()
    {
        using var model = new ModelCopy(Models.Default);
        string before = File.ReadAllText(model.In("asarm.json"));
        Directory.CreateDirectory(Path.Combine(model.In("asarm.json.new"), "x"));
        AsarmResult result = AsarmCommand.Run("bench", "--write", "--repeats", "1000", "--model", model.Path);
        Assert.AreEqual((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("asarm.json cannot be written", result.ErrorLines.Single());
        Assert.AreEqual(before, File.ReadAllText(model.In("asarm.json")));
    }
}
