using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Entropies of the distributions that tokens were drawn from.</summary>
[TestClass]
public sealed class TokenEntropyTests
{
    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    /// <summary>They come with the tokens of every kind of text, only if they are asked for, and change nothing else.</summary>
    [TestMethod]
    [DataRow("The <mask:2> sat on <mask:3>.", DecodingOrder.RightToLeft, SamplerKind.Fused)]
    [DataRow("The <mask:2> sat on <mask:3>.", DecodingOrder.Random, SamplerKind.Assd)]
    [DataRow("The <mask:2> sat on <mask:1-3> and <mask>.", DecodingOrder.LeftToRight, SamplerKind.Fused)]
    public void Infill_Entropies_ComeIfTheyAreAskedFor(string text, DecodingOrder order, SamplerKind sampler)
    {
        var options = new InfillOptions { Seed = 2, Order = order, Sampler = sampler };
        InfillResult result = s_infiller.Infill(text, options with { Entropies = true }), without = s_infiller.Infill(text, options);
        Assert.AreEqual(without.Text, result.Text);
        Assert.AreEqual(without.Statistics, result.Statistics);
        Assert.IsTrue(without.Gaps.SelectMany(gap => gap.Tokens).All(token => token.Entropy is null));
        Assert.IsTrue(result.Gaps.SelectMany(gap => gap.Tokens).All(token => token.Entropy > 0 && token.Entropy < Math.Log(s_infiller.Model.VocabularySize)));
    }

    /// <summary>That of a token is the entropy of its candidates, given the tokens before it.</summary>
    [TestMethod]
    [DataRow(DecodingOrder.LeftToRight, 0, 1.0)]
    [DataRow(DecodingOrder.RightToLeft, 1, 1.0)]
    [DataRow(DecodingOrder.RightToLeft, 1, 0.6)]
    public async Task Entropy_OfTheFirstToken_IsThatOfItsCandidates(DecodingOrder order, int first, double temperature)
    {
        const string Text = "The <mask> sat on <mask>.";
        InfillResult result = s_infiller.Infill(Text, new InfillOptions { Order = order, Entropies = true, Temperature = temperature, Seed = 1 });
        IReadOnlyList<TokenCandidate> all = (await s_infiller.CandidatesAsync(Text, new CandidateOptions { Count = int.MaxValue, Temperature = temperature }))[first];
        double expected = -all.Sum(one => one.Probability * Math.Log(one.Probability));
        Assert.AreEqual(expected, result.Gaps[first].Tokens[0].Entropy!.Value, 1e-4);
        Assert.IsGreaterThan(1e-3, Math.Abs(expected - result.Gaps[1 - first].Tokens[0].Entropy!.Value), "The other token has another distribution.");
    }

    [TestMethod]
    public void Infill_EntropiesInWindows_AreOfTheRightTokens()
    {
        string text = string.Concat(Enumerable.Range(0, 60).Select(i => $"On day {i} she had a <mask:2> in her old bag. "));
        InfillResult result = s_infiller.Infill(text, new InfillOptions { Window = true, Seed = 1, Entropies = true });
        Assert.IsGreaterThan(1, result.Windows);
        double[] expected = [.. result.Sequences.SelectMany(sequence => sequence.Entropies)];
        CollectionAssert.AreEqual(expected, result.Gaps.SelectMany(gap => gap.Tokens).Select(token => token.Entropy!.Value).ToArray());
    }
}
