using System.Globalization;
using System.Text.RegularExpressions;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests;

/// <summary>
/// Every `$ asarm ...` of the console blocks of README.md and docs/gaps.md prints what stands below it: texts exactly, numbers with decimals up to the
/// rounding of other machines, blank space and lines of tables aside.
/// </summary>
[TestClass]
public sealed partial class ReadmeTests
{
    /// <summary>Of a text's log-probability: integer products magnify the last bits in which processors differ to some 0.01 a token (decision 28).</summary>
    private const double Tolerance = 0.1;

    public static IEnumerable<object[]> Commands => Blocks().SelectMany(block => Regex.Split(block, @"^\$ ", RegexOptions.Multiline))
        .Where(sample => sample.Length > 0).Select(sample => sample.Split('\n', 2)).Select(sample => new object[] { sample[0], sample[1] });

    [TestMethod]
    public void Readme_Commands_AreFound() => Assert.IsGreaterThanOrEqualTo(14, Commands.Count());

    [TestMethod]
    [DynamicData(nameof(Commands))]
    public void Readme_Command_PrintsWhatStandsThere(string command, string shown)
    {
        string[] words = Words(command);
        Assert.AreEqual("asarm", words[0]);
        AsarmResult result = AsarmCommand.RunAsProcess(words[1..]).Done();
        var output = new Queue<string>(Lines(result.Output));
        var error = new Queue<string>(Lines(result.Error));
        foreach (string line in Lines(shown))
        {
            Queue<string> printed = output.TryPeek(out string? next) && IsSame(line, next) ? output : error;
            Assert.IsTrue(printed.TryDequeue(out next) && IsSame(line, next), $"{command}\nshown: {line}\nprinted:\n{result.Output}{result.Error}");
        }

        Assert.IsEmpty(output, "Printed and not shown.");
        Assert.IsEmpty(error, "Printed and not shown.");
    }

    [TestMethod]
    [DataRow("1 tokens, -17.01", "1 tokens, -17.02", true)]
    [DataRow("1 tokens, -17.01", "1 tokens, -17.12", false)]
    [DataRow("1 tokens, -17.01", "2 tokens, -17.01", false)]
    [DataRow("A day.", "A night.", false)]
    public void IsSame_OfTwoLines_ToleratesLastDigitsOnly(string shown, string printed, bool expected) => Assert.AreEqual(expected, IsSame(shown, printed));

    private static IEnumerable<string> Blocks() => ((string[])["README.md", "gaps.md"])
        .SelectMany(file => Block().Matches(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file)).ReplaceLineEndings("\n")).Select(match => match.Groups[1].Value));

    private static IEnumerable<string> Lines(string text) =>
        text.ReplaceLineEndings("\n").Split('\n').Select(line => Blank().Replace(line, " ").Trim()).Where(line => line.Length > 0);

    /// <summary>Words of a shell, in quotes or none.</summary>
    private static string[] Words(string command) => [.. Word().Matches(command).Select(match => match.Value[0] is '"' or '\'' ? match.Value[1..^1] : match.Value)];

    private static bool IsSame(string shown, string printed)
    {
        string[] first = Number().Split(shown), second = Number().Split(printed); // numbers at odd places
        return first.Length == second.Length && first.Zip(second).Select((pair, place) => place % 2 == 0
            ? pair.First == pair.Second
            : Math.Abs(Parse(pair.First) - Parse(pair.Second)) < Tolerance).All(same => same);
    }

    private static double Parse(string number) => double.Parse(number, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^```console\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"[\s\u2500]+")]
    private static partial Regex Blank();

    [GeneratedRegex("\"[^\"]*\"|'[^']*'|\\S+")]
    private static partial Regex Word();

    [GeneratedRegex(@"(-?\d+\.\d+)")]
    private static partial Regex Number();
}
