using System.Globalization;
using System.Text.RegularExpressions;

namespace AsArm.Cli.Tests;

/// <summary>asarm bench: its tables and the last lines that scripts read; no test expects a certain time.</summary>
[TestClass]
public sealed class BenchTests
{
    [TestMethod]
    public void Bench_DefaultModel_ComparesEverySamplerOnEveryKind()
    {
        AsarmResult result = AsarmCommand.Run("bench", "--repeats", "1").Done();
        foreach (string sampler in new[] { "fused", "assd", "ngram", "sequential", "parallel" })
            Assert.AreEqual(20, Regex.Count(result.Output, $@"│ {sampler} +│ \d"), sampler);
        Assert.MatchesRegex(@"Total variation .*: 2 tokens 0\.\d\d ± 0\.\d\d; 4 tokens [01]\.\d\d", result.Output);
        Assert.MatchesRegex(@"\n(A model call costs as much beside its rows as \d+ rows\.|Rows cost nothing that can be measured here\.)\r?\n", result.Output);
        string[] last = [.. result.OutputLines.TakeLast(4)];
        string[] names = ["tokens per call best/assd one gap", "tokens per call best/assd many gaps", "time per token sequential/best one gap", "time per token sequential/best many gaps"];
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
}
