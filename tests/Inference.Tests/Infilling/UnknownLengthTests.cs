using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Gaps of unknown length through the scheduler.</summary>
[TestClass]
public sealed class UnknownLengthTests
{
    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    public void Infill_UnknownLength_TellsItsPosterior()
    {
        InfillResult result = s_infiller.Infill("The cat <mask:1-6> the mat, and then <mask> went <mask:2-3>.", new InfillOptions { Seed = 3 });
        Assert.HasCount(3, result.Gaps);
        InfilledGap first = result.Gaps[0], second = result.Gaps[1], third = result.Gaps[2];
        CollectionAssert.AreEqual(new[] { 1, 2, 3, 4, 5, 6 }, first.Lengths.Select(one => one.Tokens).ToArray());
        Assert.AreEqual(1, first.Lengths.Sum(one => one.Probability), 1e-9);
        Assert.IsTrue(first.Lengths.All(one => one.LogEvidence < 0));
        Assert.AreEqual((GapAccuracy.Estimate, GapMethod.Evidence), (first.Accuracy, first.Method));
        Assert.AreEqual((GapAccuracy.Exact, GapMethod.Sampling), (second.Accuracy, second.Method));
        Assert.IsEmpty(second.Lengths);
        Assert.Contains(third.Tokens.Count, new[] { 2, 3 });
        foreach (InfilledGap gap in result.Gaps)
        {
            Assert.AreEqual(gap.Text, result.Text[gap.Start..gap.End]);
            Assert.AreEqual(gap.Text, string.Concat(gap.Tokens.Select(token => token.Text)));
        }

        Assert.AreEqual(result.Statistics.LogProbability, result.Gaps.Sum(gap => gap.LogProbability), 1e-9);
        Assert.AreEqual($"The cat {first.Text} the mat, and then {second.Text} went {third.Text}.", result.Text);
    }

    /// <summary>The posterior is that of the text, not of the seed; the length is drawn by the seed.</summary>
    [TestMethod]
    public async Task Infill_Seeds_DrawLengthsFromOnePosterior()
    {
        const string Text = "Once there was a <mask:1-4> who lived in a house.";
        InfillRequest[] requests = [.. Enumerable.Range(0, 6).Select(seed => new InfillRequest(Text, new InfillOptions { Seed = seed, DraftMode = DraftMode.Throughput }))];
        InfillResult[] results = [.. s_infiller.InfillBatch(requests)];
        Assert.IsGreaterThan(1, results.Select(result => result.Gaps[0].Tokens.Count).Distinct().Count());
        foreach ((InfillRequest request, InfillResult result) in requests.Zip(results))
        {
            InfillResult alone = await s_infiller.InfillAsync(request);
            Assert.AreEqual(result.Text, alone.Text);
            CollectionAssert.AreEqual(results[0].Gaps[0].Lengths.ToArray(), alone.Gaps[0].Lengths.ToArray());
        }
    }

    /// <summary>p(N) p(S | P, N)^w, renormalised, with what the result tells of each length.</summary>
    [TestMethod]
    [DataRow(1.0)]
    [DataRow(0.5)]
    public void Infill_EvidenceWeight_IsThePowerOfTheEvidence(double weight)
    {
        var options = new InfillOptions { Seed = 3, Lengths = new LengthOptions { EvidenceWeight = weight, Prior = LengthPrior.Given([1, 2, 4, 1]) } };
        InfilledGap gap = s_infiller.Infill("The cat <mask:1-4> the mat.", options).Gaps[0];
        double[] weights = [.. gap.Lengths.Zip([1, 2, 4, 1], (one, prior) => prior * Math.Exp(weight * one.LogEvidence))];
        foreach ((LengthProbability one, double other) in gap.Lengths.Zip(weights))
            Assert.AreEqual(other / weights.Sum(), one.Probability, 1e-9);
    }

    [TestMethod]
    public async Task InfillStreamAsync_UnknownLength_HasTheFinalUpdate()
    {
        var updates = new List<InfillUpdate>();
        await foreach (InfillUpdate update in s_infiller.InfillStreamAsync(new InfillRequest("Tom was <mask:1-3> today.", new InfillOptions { Seed = 1 })))
            updates.Add(update);
        Assert.IsTrue(updates.Single().IsFinal);
        Assert.AreEqual(s_infiller.Infill("Tom was <mask:1-3> today.", new InfillOptions { Seed = 1 }).Text, updates[0].Text);
    }

    [TestMethod]
    public void Infill_GreedyDecoding_TakesTheMostProbableLength()
    {
        InfilledGap gap = s_infiller.Infill("The cat <mask:*> the mat.", new InfillOptions { Temperature = 0 }).Gaps[0];
        Assert.HasCount(GapSpecification.DefaultMaxTokens, gap.Lengths);
        Assert.AreEqual(gap.Lengths.MaxBy(one => one.Probability)!.Tokens, gap.Tokens.Count);
    }

    [TestMethod]
    [DataRow("A <mask:1-70>.", "may have 70 lengths")]
    [DataRow("A <mask:2,/b{1,90}(c/>.", "The gap <mask:2,/b{1,90}(c/> is malformed (InsufficientClosingParentheses) (character 9 of the pattern)")]
    [DataRow("A <mask:/(?=b)c/>.", "which is not supported (character 0 of the pattern)")]
    [DataRow("A <mask:/[a-[a]]/>.", "The gap <mask:/[a-[a]]/> cannot be filled: no text of 1 to 12 tokens")]
    [DataRow("A <mask:1-3,/(?:/>.", "malformed")]
    [DataRow("A <mask:4,2c>, b", "cannot be filled: no text of 4 to 4 tokens")]
    [DataRow("A <mask:1,/ b/>.", "cannot be filled: no text of 1 to 1 tokens")]
    [DataRow("A <mask:1,\"b|c \">.", "The choice \"c \" of <mask:1,\"b|c \"> ends with white space")]
    [DataRow("A <mask:\"b|\u0416\u0416\">.", "that the model cannot write")]
    [DataRow("A <mask:9,\"b|c\">.", "None of the choices of <mask:9,\"b|c\"> has the number of tokens")]
    [DataRow("A <mask:3#n> or <mask:2#n>.", "Gaps of one name must be the same but for their place: <mask:3#n> and <mask:2#n>")]
    [DataRow("A <mask:600-620>.", "tokens with its gaps")]
    public void Infill_GapThatCannotBeFilled_NamesIt(string text, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Infill(text)).Message, message);

    [TestMethod]
    public void Infill_AnotherOrder_IsRefused() => Assert.ThrowsExactly<ArgumentOutOfRangeException>(
        () => s_infiller.Infill("A <mask:1-2>.", new InfillOptions { Order = DecodingOrder.RightToLeft }));
}
