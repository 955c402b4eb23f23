using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Updates of a streamed text: each token once, in decoding order, and a start of the text that never changes.</summary>
[TestClass]
public sealed class StreamTests
{
    private const string Text = "The little dog <mask:4> the garden and <mask:6> until <mask>.";

    private static readonly string s_long = string.Concat(Enumerable.Range(0, 60).Select(i => $"On day {i} she had a <mask:2> in her old bag. "));

    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Default);

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    [DataRow(SamplerKind.Fused, DecodingOrder.LeftToRight, false)]
    [DataRow(SamplerKind.Sequential, DecodingOrder.RightToLeft, false)]
    [DataRow(SamplerKind.Assd, DecodingOrder.Random, false)]
    [DataRow(SamplerKind.Fused, DecodingOrder.LeftToRight, true)]
    [DataRow(SamplerKind.Sequential, DecodingOrder.Random, true)]
    [DataRow(SamplerKind.Sequential, DecodingOrder.RightToLeft, true, GapSpacing.FromModel)]
    [DataRow(SamplerKind.Fused, DecodingOrder.LeftToRight, true, GapSpacing.FromModel)]
    public async Task InfillStreamAsync_AnyOrder_ReportsEachTokenOnceAndAStableStart(SamplerKind sampler, DecodingOrder order, bool window, GapSpacing spacing = GapSpacing.AsTyped)
    {
        var request = new InfillRequest(window ? s_long : Text, new InfillOptions { Sampler = sampler, Order = order, Window = window, GapSpacing = spacing, Seed = 5 });
        List<InfillUpdate> updates = await s_infiller.InfillStreamAsync(request).ToListAsync();
        InfillResult expected = s_infiller.Infill(request), result = updates[^1].Result!;
        Assert.AreEqual(expected.Text, result.Text);
        Assert.AreEqual(expected.Statistics, result.Statistics);
        Assert.HasCount(result.Statistics.Nfe, updates, "One for each forward pass.");
        Assert.IsTrue(updates[..^1].All(update => !update.IsFinal && update.Result is null));
        Assert.IsTrue(updates[^1].IsFinal);

        CommittedToken[] committed = [.. updates.SelectMany(update => update.Committed)];
        CollectionAssert.AreEqual(Enumerable.Range(0, result.Statistics.Generated).ToArray(), committed.Select(token => token.Token.Rank).ToArray());
        foreach (CommittedToken token in committed)
        {
            TokenScore final = result.Gaps[token.Gap].Tokens[token.Index];
            Assert.AreEqual((final.Id, final.LogProbability, final.Rank), (token.Token.Id, token.Token.LogProbability, token.Token.Rank));
        }

        int stable = 0;
        foreach (InfillUpdate update in updates)
        {
            Assert.IsGreaterThanOrEqualTo(stable, update.StableLength);
            stable = update.StableLength;
            Assert.StartsWith(update.Text[..stable], result.Text);
            Assert.IsTrue(updates.SkipWhile(other => other != update).All(later => later.Text.StartsWith(update.Text[..stable], StringComparison.Ordinal)), "Every later update repeats it.");
            Assert.DoesNotContain("<mask", update.Text[..stable]);
        }

        Assert.AreEqual(result.Text.Length, stable);
    }

    /// <summary>From left to right, what is stable grows with every token: the stream can be shown as it comes.</summary>
    [TestMethod]
    public async Task InfillStreamAsync_FromLeftToRight_GrowsWithEveryToken()
    {
        var options = new InfillOptions { Sampler = SamplerKind.Sequential, Seed = 2 };
        int[] lengths = await s_infiller.InfillStreamAsync("Once upon a time <mask:8>", options).Select(update => update.StableLength).ToArrayAsync();
        CollectionAssert.AreEqual(lengths.Distinct().Order().ToArray(), lengths);
    }

    [TestMethod]
    [Timeout(120_000)]
    public async Task InfillStreamAsync_Abandoned_EndsTheRequest()
    {
        GatedModel? model = null;
        await using TextInfiller infiller = TextInfiller.Open(Files.Default, new(), network => model = new GatedModel(network));
        IAsyncEnumerator<InfillUpdate> updates = infiller.InfillStreamAsync(new InfillRequest(Text, new InfillOptions { Sampler = SamplerKind.Sequential })).GetAsyncEnumerator();
        model!.Permit();
        Assert.IsTrue(await updates.MoveNextAsync());
        await updates.DisposeAsync();
        Task drained = infiller.DrainAsync(); // with no permit for the other passes
        await drained;
    }

    [TestMethod]
    public async Task InfillStreamAsync_InvalidText_ThrowsAtTheFirstUpdate()
    {
        await using IAsyncEnumerator<InfillUpdate> updates = s_infiller.InfillStreamAsync("No gap.").GetAsyncEnumerator();
        await Assert.ThrowsExactlyAsync<InfillTextException>(async () => await updates.MoveNextAsync());
    }
}
