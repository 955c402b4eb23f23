using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Gaps whose fillings are not probable enough stay open; nothing else changes.</summary>
[TestClass]
public sealed class AbstentionTests
{
    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Text);

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    [DataRow("The <mask> sat on <mask:3> and <mask><mask:2> it <mask:4>.", GapSpacing.AsTyped)]
    [DataRow("The <mask> sat on <mask:3> and <mask><mask:2> it <mask:4>.", GapSpacing.FromModel)]
    [DataRow("<mask:2> \\<mask> ran <mask:1-3> to the <mask:2>", GapSpacing.AsTyped)]
    public void Infill_MinProbability_LeavesTheOthersAsTheyAre(string text, GapSpacing spacing)
    {
        string[] markup = ["<mask>", "<mask:3>", "<mask>", "<mask:2>", "<mask:4>"];
        string[] given = ["The ", " sat on ", " and ", "", " it ", "."];
        if (text.StartsWith('<'))
            (markup, given) = (["<mask:2>", "<mask:1-3>", "<mask:2>"], ["", " <mask> ran ", " to the ", ""]);
        for (int seed = 0; seed < 4; seed++)
        {
            var options = new InfillOptions { Seed = seed, GapSpacing = spacing };
            InfillResult full = s_infiller.Infill(text, options);
            double[] probabilities = [.. full.Gaps.Select(gap => gap.Probability)];
            foreach (double minimum in probabilities.Append(1))
            {
                InfillResult result = s_infiller.Infill(text, options with { MinProbability = minimum });
                for (int i = 0; i < full.Gaps.Count; i++)
                {
                    InfilledGap gap = result.Gaps[i], whole = full.Gaps[i];
                    bool isOpen = whole.Probability < minimum;
                    Assert.AreEqual(isOpen, gap.Abstained);
                    Assert.AreEqual(isOpen ? markup[i] : whole.Text, gap.Text);
                    Assert.AreEqual(whole.Text, gap.Filling);
                    CollectionAssert.AreEqual(whole.Tokens.ToArray(), gap.Tokens.ToArray());
                    Assert.AreEqual(gap.Text, result.Text[gap.Start..gap.End]);
                }

                if (minimum == 1)
                    Assert.AreEqual(string.Concat(given.Zip(markup.Append(""), (one, other) => one + other)), result.Text, "All stay open, and with them the text.");
                Assert.AreEqual(full.Statistics.LogProbability, result.Statistics.LogProbability);
                Assert.AreEqual(0, s_infiller.JointLogProbability(result) - s_infiller.JointLogProbability(full), 1e-9);
            }
        }
    }

    [TestMethod]
    public void Infill_MinProbabilityInWindows_HasThePlaces()
    {
        string text = string.Concat(Enumerable.Range(0, 50).Select(i => $"On day {i} she had a <mask:2> in her old bag. "));
        var options = new InfillOptions { Window = true, Seed = 1 };
        double median = s_infiller.Infill(text, options).Gaps.Select(gap => gap.Probability).Order().ElementAt(25);
        InfillResult result = s_infiller.Infill(text, options with { MinProbability = median });
        Assert.IsGreaterThan(1, result.Windows);
        Assert.HasCount(25, result.Gaps.Where(gap => gap.Abstained), "Some are filled, some stay.");
        string expected = string.Concat(result.Gaps.Select((gap, i) => $"On day {i} she had a {gap.Text} in her old bag. "));
        Assert.AreEqual(expected, result.Text);
        Assert.IsTrue(result.Gaps.All(gap => result.Text[gap.Start..gap.End] == gap.Text && gap.Abstained == (gap.Text == "<mask:2>")));
    }

    /// <summary>A probability is that of the tokens, with an unknown length times that of the length.</summary>
    [TestMethod]
    public void Probability_OfAFilling_IsThatOfItsTokensAndLength()
    {
        InfilledGap[] gaps = [.. s_infiller.Infill("The <mask:2> sat on <mask:1-4>.", new InfillOptions { Seed = 1 }).Gaps];
        Assert.AreEqual(Math.Exp(gaps[0].Tokens.Sum(token => token.LogProbability)), gaps[0].Probability, 1e-12);
        double length = gaps[1].Lengths.Single(one => one.Tokens == gaps[1].Tokens.Count).Probability;
        Assert.AreEqual(length * Math.Exp(gaps[1].LogProbability), gaps[1].Probability, 1e-12);
        Assert.IsLessThan(1, length);
    }

    [TestMethod]
    public async Task InfillStreamAsync_MinProbability_HasTheFinalUpdate()
    {
        var request = new InfillRequest("Tom was <mask:2> today.", new InfillOptions { Seed = 1, MinProbability = 1 });
        var updates = new List<InfillUpdate>();
        await foreach (InfillUpdate update in s_infiller.InfillStreamAsync(request))
            updates.Add(update);
        Assert.AreEqual("Tom was <mask:2> today.", updates.Single().Text);
        Assert.IsTrue(updates[0].Result!.Gaps[0].Abstained);
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(1.5)]
    [DataRow(double.NaN)]
    public void Infill_MinProbabilityOutOfRange_IsRefused(double minimum) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(
        () => s_infiller.Infill("A <mask>.", new InfillOptions { MinProbability = minimum }));
}
