using System.Diagnostics;
using System.Text.Json;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>Each of these fails if the command takes the option and does not pass it on.</summary>
[TestClass]
public sealed class OptionEffectTests
{
    private const string Text = "The <mask:8> end.";

    /// <summary>Near zero the most probable tokens are sampled, whatever the seed.</summary>
    [TestMethod]
    [DataRow("--sampler", "fused")]
    [DataRow("--sampler", "sequential")]
    public void Infill_LowTemperature_GivesEverySeedTheSameText(params string[] options)
    {
        string greedy = Texts("--top-k", "1").Distinct().Single();
        Assert.AreEqual(greedy, Texts([.. options, "--temperature", "1e-9"]).Distinct().Single());
        Assert.AreNotEqual(1, Texts(options).Distinct().Count());
    }

    [TestMethod]
    public void Infill_HighTemperature_GivesLessProbableTexts()
    {
        Assert.IsLessThan(
            LogProbabilities("--temperature", "1").Average() - 5,
            LogProbabilities("--temperature", "1e6").Average(), "Near the uniform distribution each token costs the logarithm of the vocabulary.");
    }

    /// <summary>With the same random numbers, another order samples other tokens.</summary>
    [TestMethod]
    public void Infill_Orders_GiveTheSameSeedsOtherTexts()
    {
        string[] texts = [.. new[] { "left-to-right", "right-to-left", "random" }.Select(order => string.Join('\n', Texts("--sampler", "sequential", "--order", order)))];
        Assert.HasCount(3, texts.Distinct());
        Assert.AreEqual(texts[0], string.Join('\n', Texts("--sampler", "sequential")), "Left to right is the default.");
    }

    [TestMethod]
    [DataRow("--top-k", "2")]
    [DataRow("--top-p", "0.5")]
    public void Infill_FewerCandidates_GiveTheSameSeedsOtherTexts(string option, string value) =>
        CollectionAssert.AreNotEqual(Texts("--sampler", "sequential"), Texts("--sampler", "sequential", option, value));

    /// <summary>A forward pass of fused commits at most the drafted tokens and one more.</summary>
    [TestMethod]
    public void Infill_DraftLength_BoundsTheTokensOfAForwardPass()
    {
        string[] drafts = ["infill", "Once upon a time <mask:20> lived there.", "--forward-pass-overhead", "1000", "--temperature", "0.3", "--seed", "1", "--json"];
        Assert.IsLessThan(10, ForwardPasses([.. drafts, "--draft-length", "19"]));
        Assert.IsGreaterThanOrEqualTo(10, ForwardPasses([.. drafts, "--draft-length", "1"]));
    }

    /// <summary>The folder's model_cached.onnx is not a model; only --no-cache avoids reading it.</summary>
    [TestMethod]
    [DataRow("infill", Text)]
    [DataRow("score", "The [[end]].")]
    public void Command_NoCache_LeavesTheCachedGraphAlone(string command, string text)
    {
        using ModelCopy model = new ModelCopy(Models.Text).Replace("model_cached.onnx", _ => [1, 2, 3]);
        AsarmCommand.Run(command, text, "--model", model.Path).IsBadInput("model_cached.onnx");
        AsarmCommand.Run(command, text, "--model", model.Path, "--no-cache").Done();
    }

    /// <summary>Counted while the command waits for its next line; other threads are some twenty.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void Infill_Threads_AreThoseOfTheProcess()
    {
        int one = CountThreads("--threads", "1"), many = CountThreads("--threads", "100");
        Assert.IsLessThan(60, one);
        Assert.IsInRange(100, 160, many);
    }

    private static int CountThreads(params string[] options)
    {
        using var process = Process.Start(new ProcessStartInfo(AsarmCommand.Host, [AsarmCommand.Assembly, "infill", "--model", Models.Text, "--input", "-", .. options])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        for (int line = 0; line < 40; line++)
            process.StandardInput.WriteLine("""{"text": "A <mask> day."}""");
        process.StandardInput.Flush();
        Assert.IsNotNull(process.StandardOutput.ReadLine());
        int threads = Directory.GetDirectories($"/proc/{process.Id}/task").Length;
        process.StandardInput.Close();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode);
        return threads;
    }

    private static string[] Texts(params string[] options) => [.. Samples(options).Select(sample => sample.GetProperty("text").GetString()!)];

    private static IEnumerable<double> LogProbabilities(params string[] options) =>
        Samples(options).Select(sample => sample.GetProperty("log_prob").GetDouble());

    private static JsonElement[] Samples(string[] options) =>
        [.. AsarmCommand.Run(["infill", Text, "--seed", "1", "--samples", "6", "--json", .. options]).Done().Json.GetProperty("samples").EnumerateArray()];

    private static long ForwardPasses(string[] arguments) => AsarmCommand.Run(arguments).Done().Json.GetProperty("nfe").GetInt64();
}
