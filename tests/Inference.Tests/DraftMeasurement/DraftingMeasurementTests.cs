using AsArm.Assd.Planning;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Devices;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.DraftMeasurement;

/// <summary>The effect of drafting figures, and their measurement. No test expects a certain time.</summary>
[TestClass]
public sealed class DraftingMeasurementTests
{
    private const string Text = "Once upon a time <mask:20> and they lived there <mask:4> end.";

    private static readonly string s_words = string.Join(' ', Enumerable.Repeat("The little dog ran to the red house and the big cat sat on the old mat .", 20));

    /// <summary>Figures change the number of passes and the sample, not the distribution: log-probabilities are those of the joint, and with an expected acceptance of 0 decoding is sequential.</summary>
    [TestMethod]
    public void Infill_OtherFigures_ChangesPassesNotTheDistribution()
    {
        using TextInfiller optimistic = Open(0.9, overhead: 100), pessimistic = Open(0, overhead: 100);
        InfillResult drafted = optimistic.Infill(Text, new InfillOptions { Seed = 3 }), sequential = pessimistic.Infill(Text, new InfillOptions { Seed = 3 });
        Assert.IsLessThan(sequential.Statistics.Nfe, drafted.Statistics.Nfe);
        Assert.AreEqual((24, 24, 0), (sequential.Statistics.Generated, sequential.Statistics.Nfe, sequential.Statistics.Drafted));
        Assert.AreEqual(pessimistic.Infill(Text, new InfillOptions { Seed = 3, Sampler = SamplerKind.Sequential }).Text, sequential.Text);
        Assert.AreEqual(drafted.Statistics.LogProbability, optimistic.JointLogProbability(drafted), 1e-3);
    }

    /// <summary>In throughput mode the overhead of batches counts, not that of a single sequence.</summary>
    [TestMethod]
    public void Infill_MeasuredOverheads_AreThoseOfTheDraftMode()
    {
        using TextInfiller infiller = Open(0.6, overhead: 0.1, batch: 50);
        Assert.AreEqual(0, infiller.Infill(Text, new InfillOptions { Seed = 3 }).Statistics.Drafted);
        Assert.IsGreaterThan(0, infiller.Infill(Text, new InfillOptions { Seed = 3, DraftMode = DraftMode.Throughput }).Statistics.Drafted);
        Assert.IsGreaterThan(0, infiller.Infill(Text, new InfillOptions { Seed = 3, ForwardPassOverhead = 100 }).Statistics.Drafted, "The option takes precedence.");
    }

    /// <summary>Acceptance estimates are adapted within a request only.</summary>
    [TestMethod]
    public void Infill_AfterOtherRequests_GivesTheSameText()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        var options = new InfillOptions { Seed = 3, ForwardPassOverhead = 60 };
        InfillResult first = infiller.Infill(Text, options);
        for (int seed = 0; seed < 3; seed++)
            infiller.Infill("Tom had <mask:12> bag. Tom had a bag. Tom had a bag.", options with { Seed = seed });
        InfillResult again = infiller.Infill(Text, options);
        Assert.AreEqual((first.Text, first.Statistics), (again.Text, again.Statistics));
    }

    [TestMethod]
    public void Of_OptionFigureOrNeither_UsesTheMostSpecific()
    {
        var figures = new DraftingFigures { ForwardPassOverhead = new OverheadFigures { Cuda = new(150, 12) } };
        Assert.AreEqual(150, ForwardPassCosts.Of(figures, Device.Cuda, null, mode: DraftMode.Latency).Fixed);
        Assert.AreEqual(12, ForwardPassCosts.Of(figures, Device.Cuda, null, mode: DraftMode.Throughput).Fixed);
        Assert.AreEqual(32, ForwardPassCosts.Of(figures, Device.Cuda, 32, mode: DraftMode.Latency).Fixed);
        Assert.AreEqual(2, ForwardPassCosts.Of(figures, Device.Cuda, 32, mode: DraftMode.Throughput).Fixed, "A full batch shares it.");
        Assert.AreEqual(16, ForwardPassCosts.Of(figures, Device.Cpu, null, mode: DraftMode.Latency).Fixed);
        Assert.AreEqual(1, ForwardPassCosts.Of(null, Device.Cpu, null, mode: DraftMode.Throughput).Fixed);
        Assert.AreEqual(500, ForwardPassCosts.Of(null, Device.Cuda, null, mode: DraftMode.Latency).Fixed);
    }

    /// <summary>With an n-gram table, draft tokens of every source are verified.</summary>
    [TestMethod]
    public void MeasureAcceptance_Twice_GivesTheSame()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        var text = new DraftingText("words", [s_words, s_words]);
        (DraftingFigures first, int draftTokens) = new DraftingMeasurement(infiller).MeasureAcceptance([text], 40, CancellationToken.None);
        (DraftingFigures second, _) = new DraftingMeasurement(infiller).MeasureAcceptance([text], 40, CancellationToken.None);
        Assert.IsGreaterThan(300, draftTokens);
        Assert.AreEqual(Json(first), Json(second));
        Assert.IsNull(first.FirstInvalidField());
        Assert.IsNotNull(first.Acceptance!.Network);
        Assert.IsNotNull(infiller.Folder.NgramsPath);
        Assert.IsNotNull(first.Acceptance.Ngram);
        Assert.IsNotNull(first.Acceptance.Product);
        Assert.IsNotNull(first.CorpusWeight);
        Assert.IsGreaterThan(first.Acceptance.Network.None[^1], first.Acceptance.Network.Left[^1], "Drafts are better with a known neighbour.");
    }

    [TestMethod]
    public void Create_SeveralTexts_GivesGapsOfAllKindsFromEach()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        var prompts = new DraftingPrompts(infiller.InfillTokenizer, 128);
        string other = s_words.Replace("dog", "fox", StringComparison.Ordinal);
        List<InfillPrompt> made = prompts.Create([new("a", [s_words, s_words]), new("b", [other, other])], 40);
        Assert.HasCount(40, made);
        int[] gaps = [.. made.Select(prompt => prompt.Segments.OfType<TextSegment.Gap>().Count())];
        Assert.IsGreaterThan(30, gaps[0..10].Max(), "Scattered words.");
        CollectionAssert.AreEqual(new[] { 1, 1 }, gaps[4..6], "One gap, of each text.");
        Assert.IsInRange(5, 12, gaps[6]);
        Assert.IsInstanceOfType<TextSegment.Gap>(made[8].Segments[^1], "A continuation.");
        CollectionAssert.AreEqual(made.Select(prompt => prompt.ToString()).ToArray(), prompts.Create([new("a", [s_words, s_words]), new("b", [other, other])], 40).Select(prompt => prompt.ToString()).ToArray());
        for (int i = 0; i < made.Count; i++)
            Assert.DoesNotContain(i % 2 == 0 ? "fox" : "dog", made[i].ToString(), "The texts alternate.");
    }

    [TestMethod]
    public void Create_ShortText_NamesIt()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        var prompts = new DraftingPrompts(infiller.InfillTokenizer, 128);
        string message = Assert.ThrowsExactly<InfillTextException>(() => prompts.Create([new("long", [s_words, s_words]), new("short.txt", ["Once.", s_words[..400]])], 40)).Message;
        StringAssert.Contains(message, "short.txt is too short");
    }

    [TestMethod]
    [DataRow(0.0, 0.1)]
    [DataRow(-3.0, 0.1)]
    [DataRow(2.4, 2.0)]
    [DataRow(2.5, 3.0)]
    [DataRow(13.0, 15.0)]
    [DataRow(17.3, 15.0)]
    [DataRow(17.4, 20.0)]
    [DataRow(84.0, 100.0)]
    [DataRow(double.PositiveInfinity, 1000.0)]
    public void Rounded_Overhead_IsTheNearestRoundValue(double value, double expected) => Assert.AreEqual(expected, CostCurve.Rounded(value));

    /// <summary>Opens the default model with one acceptance rate for all drafts.</summary>
    private static TextInfiller Open(double rate, double overhead, double batch = 1)
    {
        using var folder = new TemporaryFolder(Files.Default);
        double[] row = [.. Enumerable.Repeat(rate, DraftAcceptance.Columns)];
        var rates = new NeighbourRates(row, row, row, row);
        DraftingWriter.Write(ModelFolder.Open(folder.Path), new DraftingFigures
        {
            Acceptance = new AcceptanceFigures { Ngram = rates, Network = rates, Product = rates, OwnBigrams = row },
            ForwardPassOverhead = new OverheadFigures { Cpu = new(overhead, batch) },
        });
        return TextInfiller.Open(folder.Path, new() { UseFloat32 = true });
    }

    private static string Json(DraftingFigures figures) => System.Text.Encoding.UTF8.GetString(DraftingJson.SetDrafting("{}"u8, figures));
}
