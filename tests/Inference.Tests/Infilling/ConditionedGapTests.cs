using System.Text.RegularExpressions;
using AsArm.Assd.Constraints;
using AsArm.Assd.Tests.Exactness;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Patterns, numbers of characters and gaps of one name: samples through the scheduler and ONNX Runtime against the enumerated conditional distribution.</summary>
[TestClass]
public sealed class ConditionedGapTests
{
    private const int Samples = 800;
    private const double MinPValue = 1e-4;
    private static readonly string[] s_tokens = [" a", " cat", " do", " b", "s", "g", "ed", "t"];

    private static readonly Dictionary<string, ConditionedTask> s_tasks = new()
    {
        ["pattern"] = New("Tom saw <mask:2,/cats|do[a-z]+|b[sg]/> there.", gaps => Regex.IsMatch(gaps[0], "^(cats|do[a-z]+|b[sg])$")),
        ["two patterns"] = New("Tom saw <mask:2,/cats|do[a-z]+|b[sg]/> and <mask:1> and <mask:1,/a|cat|b/>.", gaps => Regex.IsMatch(gaps[0], "^(cats|do[a-z]+|b[sg])$") && Regex.IsMatch(gaps[2], "^(a|cat|b)$")),
        ["characters"] = New("Tom saw <mask:3,5-6c>.", gaps => gaps[0].Length is 5 or 6),
        ["pattern and characters"] = New("Tom saw <mask:2,4c,/.*[dt].*/>.", gaps => gaps[0].Length == 4 && (gaps[0].Contains('d') || gaps[0].Contains('t'))),
        ["same"] = New("Tom saw <mask:2#n> and the <mask:2#n>.", gaps => gaps[0] == gaps[1]),
        ["same between others"] = New("Tom <mask:1#n> a <mask> dog <mask:1#n>.", gaps => gaps[0] == gaps[2]),
    };

    public static IEnumerable<string> Names => s_tasks.Keys;

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Infill_ByRejection_HasTheConditionalDistribution(string name)
    {
        ConditionedTask task = s_tasks[name];
        foreach (SamplerKind sampler in name == "pattern" ? (SamplerKind[])[SamplerKind.Sequential, SamplerKind.Assd] : [SamplerKind.Fused])
        {
            InfillResult[] results = task.Sample(task.Options with { MaxTries = 2_000, Sampler = sampler }, Samples);
            GoodnessOfFitResult fit = task.Compare(results);
            Console.WriteLine($"{name}: {fit}, {results.Average(result => result.Gaps[0].Conditioning!.Tries):F1} tries");
            Assert.IsGreaterThan(MinPValue, fit.PValue, fit.ToString());
            InfilledGap gap = results[0].Gaps[0];
            Assert.AreEqual((GapAccuracy.Exact, GapMethod.Rejection, ConditionalMethod.Exact), (gap.Accuracy, gap.Method, gap.Conditioning!.Method));
            Assert.AreEqual(ConditionedTask.Infiller.JointLogProbability(results[0]), results[0].Statistics.LogProbability, 1e-3);
        }
    }

    /// <summary>Control: step-wise masks without weights.</summary>
    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Infill_MaskedWithoutWeights_HasAnotherDistribution(string name)
    {
        ConditionedTask task = s_tasks[name];
        InfillResult[] results = task.Sample(task.Options with { MaxTries = 0, Particles = 1 }, Samples);
        GoodnessOfFitResult fit = task.Compare(results);
        Assert.IsLessThan(MinPValue / 100, fit.PValue, fit.ToString());
        Assert.AreEqual((GapAccuracy.Estimate, GapMethod.Resampling), (results[0].Gaps[0].Accuracy, results[0].Gaps[0].Method));
    }

    [TestMethod]
    public void Infill_ByResampling_ApproachesTheConditionalDistribution()
    {
        ConditionedTask task = s_tasks["pattern"];
        InfillResult[] results = task.Sample(task.Options with { MaxTries = 0, Particles = 40 }, Samples / 2);
        GoodnessOfFitResult few = task.Compare(task.Sample(task.Options with { MaxTries = 0, Particles = 1 }, Samples / 2)), many = task.Compare(results);
        Assert.IsLessThan(few.TotalVariation / 2, many.TotalVariation);
        Assert.IsTrue(results.All(result => result.Gaps[0].Conditioning is { Particles: 40, Tries: 0, EffectiveSampleSize: >= 1 and <= 40.001 }));
    }

    /// <summary>A length that is not known is sampled along with the tokens: p(N) p(x | N) given the condition.</summary>
    [TestMethod]
    [DataRow("Tom saw <mask:1-3,/(cat|do)[a-z]*/>.", "^(cat|do)[a-z]*$", true)]
    [DataRow("Tom saw <mask:4c>.", "^.{4}$", true)]
    [DataRow("Tom <mask:1-2,/(cat|do|b)[a-z]*/#n>, and <mask:1-2,/(cat|do|b)[a-z]*/#n> too.", "^(cat|do|b)[a-z]*$", false)]
    public void Infill_UnknownLength_HasTheConditionalDistribution(string markup, string pattern, bool hasSeveralLengths)
    {
        ConditionedTask task = New(markup, gaps => gaps.All(gap => gap == gaps[0] && Regex.IsMatch(gap, pattern)));
        InfillResult[] results = task.Sample(task.Options with { MaxTries = 2_000 }, Samples / 2);
        InfilledGap first = results[0].Gaps[0];
        (int[] Lengths, double)[] lengths = [.. first.Lengths.Where(one => one.Tokens <= 4).Select(one => (Enumerable.Repeat(one.Tokens, results[0].Gaps.Count).ToArray(), one.Probability))];
        GoodnessOfFitResult fit = task.Compare(results, lengths);
        Console.WriteLine($"{markup}: {fit}, {results.Average(result => result.Gaps[0].Conditioning!.Tries):F1} tries");
        Assert.IsGreaterThan(MinPValue, fit.PValue, fit.ToString());
        Assert.AreEqual((GapAccuracy.Estimate, GapMethod.Rejection), (first.Accuracy, first.Method));
        if (!hasSeveralLengths)
            return;
        Assert.IsGreaterThan(1, results.Select(result => result.Gaps[0].Tokens.Count).Distinct().Count());
        Assert.IsLessThan(MinPValue, task.Compare(results, [.. lengths.Select(one => (one.Lengths, 1.0))]).PValue, "Control: p(N) ignored.");
    }

    [TestMethod]
    public void Infill_Greedy_TakesTheMostProbableAllowedToken()
    {
        ConditionedTask task = s_tasks["pattern"];
        InfillResult[] results = [.. Enum.GetValues<SamplerKind>().Except([SamplerKind.Parallel])
            .Select(sampler => ConditionedTask.Infiller.Infill(task.Markup, task.Options with { Temperature = 0, Sampler = sampler }))];
        Assert.IsTrue(task.IsMet([results[0].Gaps[0].Text]));
        foreach (InfillResult result in results)
        {
            Assert.AreEqual(results[0].Text, result.Text);
            Assert.AreEqual(GapMethod.Greedy, result.Gaps[0].Method);
        }
    }

    private static ConditionedTask New(string markup, Func<string[], bool> isMet) => new(markup, s_tokens, isMet);
}
