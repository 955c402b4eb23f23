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
        string[] markup = ["<mask:1>", "<mask:3>", "<mask:1>", "<mask:2>", "<mask:4>"];
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

    /// <summary>Written as markup and read again, what is left is the text with the filled gaps as given text, whatever stands before a gap.</summary>
    [TestMethod]
    [DataRow(@"C:\dir\\<mask>.txt \<mask> is <mask:2> or \\\<mask:3> \\\\<mask:2>", GapSpacing.AsTyped)]
    [DataRow(@"C:\dir\\<mask>.txt \<mask> is <mask:2> or \\\<mask:3> \\\\<mask:2>", GapSpacing.FromModel)]
    [DataRow("<mask:2><mask> a \\<mask><mask:3> <mask:2> < \\\\<mask>", GapSpacing.AsTyped)]
    [DataRow("<mask:2><mask> a \\<mask><mask:3> <mask:2> < \\\\<mask>", GapSpacing.FromModel)]
    [DataRow(@"A <mask:1-2> \<mask:2> day\\<mask:*><mask:1-2>", GapSpacing.AsTyped)]
    public void OpenPrompt_AsMarkup_ParsesBack(string text, GapSpacing spacing)
    {
        int mixed = 0, unescaped = 0;
        for (int seed = 0; seed < 4; seed++)
        {
            var options = new InfillOptions { Seed = seed, GapSpacing = spacing };
            InfillResult full = s_infiller.Infill(text, options);
            Assert.IsNull(full.OpenPrompt);
            foreach (double minimum in full.Gaps.Select(gap => gap.Probability).Append(1))
            {
                InfillResult result = s_infiller.Infill(text, options with { MinProbability = minimum });
                int open = result.Gaps.Count(gap => gap.Abstained);
                Assert.AreEqual(open > 0, result.OpenPrompt is not null);
                if (result.OpenPrompt is null)
                    continue;
                InfillPrompt expected = Expected(text, result), parsed = InfillPrompt.Parse(result.OpenPrompt.ToString());
                CollectionAssert.AreEqual(Shown(expected), Shown(result.OpenPrompt));
                CollectionAssert.AreEqual(Shown(expected), Shown(parsed));
                Assert.AreEqual(open, parsed.Segments.OfType<TextSegment.Gap>().Count());
                mixed += open < result.Gaps.Count ? 1 : 0;
                unescaped += TryShow(result.Text) is string[] other && other.SequenceEqual(Shown(expected)) ? 0 : 1;
            }
        }

        Assert.IsGreaterThan(4, mixed, "Some are filled, some stay.");
        Assert.IsGreaterThan(4, unescaped, "Control: the text without escapes is another prompt, or none.");
    }

    /// <summary>The gaps of a text that stay open, with what the others were filled with between them.</summary>
    private static InfillPrompt Expected(string text, InfillResult result)
    {
        var expected = new InfillPrompt();
        int end = 0;
        TextSegment.Gap[] gaps = [.. InfillPrompt.Parse(text).Segments.OfType<TextSegment.Gap>()];
        foreach ((InfilledGap filled, TextSegment.Gap gap) in result.Gaps.Zip(gaps))
        {
            if (!filled.Abstained)
                continue;
            expected.AddText(result.Text[end..filled.Start]).AddGap(gap.Specification);
            end = filled.End;
        }

        return expected.AddText(result.Text[end..]);
    }

    private static string[] Shown(InfillPrompt prompt) => [.. prompt.Segments.Select(segment => segment is TextSegment.Gap gap ? $"gap {gap.Specification}" : $"text {((TextSegment.Literal)segment).Text}")];

    private static string[]? TryShow(string markup)
    {
        try
        {
            return Shown(InfillPrompt.Parse(markup));
        }
        catch (InfillTextException)
        {
            return null;
        }
    }

    /// <summary>The probability of a filling given its condition is not known, and gaps of one name would not agree.</summary>
    [TestMethod]
    [DataRow("A <mask:/[a-z]+/> day and <mask>.")]
    [DataRow("A <mask:4c> day.")]
    [DataRow("A <mask:2#x> day, <mask:2#x>.")]
    public void Infill_MinProbabilityWithACondition_IsRefused(string text)
    {
        InfillTextException error = Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Infill(text, new InfillOptions { Seed = 1, MinProbability = 0.1 }));
        Assert.Contains("condition", error.Message);
    }

    /// <summary>Choices have probabilities among them; those of one name stay open together.</summary>
    [TestMethod]
    public void Infill_MinProbabilityOfChoices_IsThatAmongThem()
    {
        const string Text = "The <mask:\"dog|cat\"#x> sat. The <mask:\"dog|cat\"#x> ran.";
        var options = new InfillOptions { Seed = 1 };
        InfilledGap gap = s_infiller.Infill(Text, options).Gaps[0];
        Assert.IsInRange(1e-3, 0.9999, gap.Probability);
        Assert.IsTrue(s_infiller.Infill(Text, options with { MinProbability = gap.Probability * 0.99 }).Gaps.All(one => !one.Abstained));
        InfillResult open = s_infiller.Infill(Text, options with { MinProbability = Math.Min(1, gap.Probability * 1.0001) });
        Assert.IsTrue(open.Gaps.All(one => one.Abstained));
        Assert.AreEqual(Text, open.OpenPrompt!.ToString());
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
        Assert.IsEmpty(updates[0].Committed, "What it was filled with is not shown.");
    }

    /// <summary>What was committed is in decoding order, without what stays open.</summary>
    [TestMethod]
    [DataRow(DecodingOrder.LeftToRight)]
    [DataRow(DecodingOrder.RightToLeft)]
    [DataRow(DecodingOrder.Random)]
    public async Task InfillStreamAsync_MinProbability_HasTokensInDecodingOrder(DecodingOrder order)
    {
        const string Text = "Tom was <mask:2> today, but <mask:3> they <mask:2>.";
        var options = new InfillOptions { Seed = 3, Order = order };
        double[] probabilities = [.. s_infiller.Infill(Text, options).Gaps.Select(gap => gap.Probability).Order()];
        InfillUpdate? last = null;
        await foreach (InfillUpdate update in s_infiller.InfillStreamAsync(new InfillRequest(Text, options with { MinProbability = probabilities[1] })))
            last = update;
        InfilledGap[] gaps = [.. last!.Result!.Gaps];
        Assert.HasCount(1, gaps.Where(gap => gap.Abstained));
        int[] ranks = [.. last.Committed.Select(token => token.Token.Rank)];
        CollectionAssert.AreEqual(ranks.Order().ToArray(), ranks);
        Assert.HasCount(gaps.Where(gap => !gap.Abstained).Sum(gap => gap.Tokens.Count), last.Committed);
        foreach (CommittedToken one in last.Committed)
        {
            Assert.IsFalse(gaps[one.Gap].Abstained);
            Assert.AreEqual(gaps[one.Gap].Tokens[one.Index], one.Token);
        }

        bool isByPlace = last.Committed.SequenceEqual(last.Committed.OrderBy(one => one.Gap).ThenBy(one => one.Index));
        Assert.AreEqual(order == DecodingOrder.LeftToRight, isByPlace, "Control: in other orders that is not from left to right.");
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(1.5)]
    [DataRow(double.NaN)]
    public void Infill_MinProbabilityOutOfRange_IsRefused(double minimum) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(
        () => s_infiller.Infill("A <mask>.", new InfillOptions { MinProbability = minimum }));
}
