using System.Text;
using System.Text.Json.Nodes;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.ModelFolders;

/// <summary>Reading, validating and writing `drafting` of asarm.json.</summary>
[TestClass]
public sealed class DraftingTests
{
    private const string Rates = """{"none": [0, 0, 0, 0, 0], "left": [0.1, 0.2, 0.3, 0.4, 1], "right": [0, 0, 0, 0, 0], "both": [0, 0, 0, 0, 0.5]}""";

    private static readonly DraftingFigures s_figures = new()
    {
        Acceptance = new AcceptanceFigures { Network = new([0.1, 0.1, 0.1, 0.1, 0.1], [0.5, 0.6, 0.7, 0.8, 0.65], [0.2, 0.2, 0.2, 0.2, 0.2], [1, 1, 1, 1, 1]), OwnBigrams = [0, 0.1, 0.2, 0.3, 0.15] },
        CorpusWeight = 20,
        ForwardPassOverhead = new OverheadFigures { Cuda = new(150, 12), TensorRT = new(200, 15) },
    };

    [TestMethod]
    public void Open_FolderWithDrafting_ReadsIt()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Assert.IsNull(ModelFolder.Open(folder.Path).Manifest.Drafting);
        Edit(folder, $$"""{"acceptance": {"ngram": {{Rates}}, "own_bigrams": [0, 0, 0, 0, 0.25]}, "corpus_weight": 7, "forward_pass_overhead": {"tensorrt": {"alone": 90, "batch": 6} } }""");
        DraftingFigures drafting = ModelFolder.Open(folder.Path).Manifest.Drafting!;
        CollectionAssert.AreEqual(new[] { 0.1, 0.2, 0.3, 0.4, 1 }, drafting.Acceptance!.Ngram!.Left.ToArray());
        Assert.IsNull(drafting.Acceptance.Network);
        Assert.AreEqual(0.25, drafting.DraftAcceptance.OfOwnBigrams(null));
        Assert.AreEqual(0.5, drafting.DraftAcceptance.Of(DraftSource.Ngram, Neighbours.Both, null));
        Assert.AreEqual(7, drafting.CorpusWeight);
        Assert.AreEqual(new PassOverhead(90, 6), drafting.ForwardPassOverhead!.Of(Device.TensorRT));
        Assert.IsNull(drafting.ForwardPassOverhead.Of(Device.Cpu));
    }

    [TestMethod]
    [DataRow("""{"acceptance": {"ngram": {"none": [0, 0, 0, 0, 0], "left": [0, 0, 0, 0], "right": [0, 0, 0, 0, 0], "both": [0, 0, 0, 0, 0]}}}""", "drafting.acceptance.ngram.left is out of range")]
    [DataRow("""{"acceptance": {"network": {"none": [0, 0, 0, 0, 0, 0], "left": [0, 0, 0, 0, 0], "right": [0, 0, 0, 0, 0], "both": [0, 0, 0, 0, 0]}}}""", "drafting.acceptance.network.none is out of range")]
    [DataRow("""{"acceptance": {"product": {"none": [0, 0, 0, 0, 0], "left": [0, 0, 0, 0, 0], "right": [0, 0, -0.1, 0, 0], "both": [0, 0, 0, 0, 0]}}}""", "drafting.acceptance.product.right is out of range")]
    [DataRow("""{"acceptance": {"product": {"none": [0, 0, 0, 0, 0], "left": [0, 0, 0, 0, 0], "right": [0, 0, 0, 0, 0], "both": null}}}""", "drafting.acceptance.product.both is out of range")]
    [DataRow("""{"acceptance": {"ngram": {"none": [0, 0, 0, 0, 0]}}}""", "drafting.acceptance.ngram is of a wrong type, out of range, incomplete")]
    [DataRow("""{"acceptance": {"ngram": [0, 0, 0, 0, 0]}}""", "drafting.acceptance.ngram")]
    [DataRow("""{"acceptance": {"own_bigrams": [0, 0, 0, 0, 1.5]}}""", "drafting.acceptance.own_bigrams is out of range")]
    [DataRow("""{"acceptance": {"own_bigrams": [0, 0, 0, 0, "1"]}}""", "drafting.acceptance.own_bigrams")]
    [DataRow("""{"acceptance": {"own_bigrams": [0, 0, 0, 0, 1e999]}}""", "drafting.acceptance.own_bigrams")]
    [DataRow("""{"acceptance": 1}""", "drafting.acceptance")]
    [DataRow("""{"corpus_weight": 0}""", "drafting.corpus_weight is out of range")]
    [DataRow("""{"corpus_weight": 1e300}""", "drafting.corpus_weight is out of range")]
    [DataRow("""{"corpus_weight": "10"}""", "drafting.corpus_weight")]
    [DataRow("""{"corpus_weight": 10, "corpus_weight": 20}""", "asarm.json")]
    [DataRow("""{"forward_pass_overhead": {"cpu": {"alone": 0, "batch": 1}}}""", "drafting.forward_pass_overhead.cpu is out of range")]
    [DataRow("""{"forward_pass_overhead": {"cuda": {"alone": 10, "batch": -1}}}""", "drafting.forward_pass_overhead.cuda is out of range")]
    [DataRow("""{"forward_pass_overhead": {"tensorrt": {"alone": 10, "batch": 1e7}}}""", "drafting.forward_pass_overhead.tensorrt is out of range")]
    [DataRow("""{"forward_pass_overhead": {"cpu": {"alone": 10}}}""", "drafting.forward_pass_overhead.cpu")]
    [DataRow("""{"forward_pass_overhead": {"cpu": 10}}""", "drafting.forward_pass_overhead.cpu")]
    [DataRow("""[]""", "drafting")]
    [DataRow("\"fast\"", "drafting")]
    public void Open_InvalidFigures_NamesTheField(string drafting, string message)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, drafting);
        string error = Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message;
        StringAssert.Contains(error, message);
        Assert.HasCount(1, error.Split('\n'));
    }

    /// <summary>Unknown fields of `drafting` are ignored, as they cannot change the distribution.</summary>
    [TestMethod]
    [DataRow("null")]
    [DataRow("{}")]
    [DataRow("""{"acceptance": {}, "forward_pass_overhead": {"npu": {"alone": 1}}, "horizon": 3}""")]
    public void Open_UnknownFigures_AreIgnored(string drafting)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, drafting);
        ModelManifest manifest = ModelFolder.Open(folder.Path).Manifest;
        Assert.AreEqual(DraftAcceptance.Neutral.Of(DraftSource.Ngram, Neighbours.Left, 0.3), (manifest.Drafting?.DraftAcceptance ?? DraftAcceptance.Neutral).Of(DraftSource.Ngram, Neighbours.Left, 0.3));
        Assert.AreEqual(3, manifest.FormatVersion);
    }

    [TestMethod]
    [DataRow("""{"a": {"drafting": 1}, "b": [1, 2]}""", """{"a": {"drafting": 1}, "b": [1, 2]""", "}")]
    [DataRow("""{"drafting": {"x": [{}]}, "b": 1}""", """{"drafting": """, """, "b": 1}""")]
    [DataRow("{\n  \"a\": 1,\n  \"drafting\": null\n}\n", "{\n  \"a\": 1,\n  \"drafting\": ", "\n}\n")]
    [DataRow("{\r\n\t\"a\" : \"\\u00e9\"\r\n}", "{\r\n\t\"a\" : \"\\u00e9\"", "\r\n}")]
    [DataRow(" {} ", " {", "} ")]
    public void SetDrafting_AnyLayout_KeepsAllOtherBytes(string json, string before, string after)
    {
        string text = Encoding.UTF8.GetString(DraftingJson.SetDrafting(Encoding.UTF8.GetBytes(json), s_figures));
        Assert.StartsWith(before, text);
        Assert.EndsWith(after, text);
        JsonNode drafting = JsonNode.Parse(text)!["drafting"]!;
        Assert.AreEqual("[0.5,0.6,0.7,0.8,0.65]", drafting["acceptance"]!["network"]!["left"]!.ToJsonString());
        Assert.AreEqual("""{"cuda":{"alone":150,"batch":12},"tensorrt":{"alone":200,"batch":15}}""", drafting["forward_pass_overhead"]!.ToJsonString());
        Assert.AreEqual(text, Encoding.UTF8.GetString(DraftingJson.SetDrafting(Encoding.UTF8.GetBytes(text), s_figures)), "A second time nothing changes.");
    }

    [TestMethod]
    public void Write_Folder_OpensWithTheFigures()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        string before = File.ReadAllText(folder.In("asarm.json"));
        DraftingWriter.RequireWritable(ModelFolder.Open(folder.Path));
        Assert.AreEqual(before, File.ReadAllText(folder.In("asarm.json")));
        DraftingWriter.Write(ModelFolder.Open(folder.Path), s_figures);
        DraftingFigures drafting = ModelFolder.Open(folder.Path).Manifest.Drafting!;
        Assert.AreEqual(0.65, drafting.DraftAcceptance.Of(DraftSource.Network, Neighbours.Left, null));
        Assert.AreEqual(new PassOverhead(150, 12), drafting.ForwardPassOverhead!.Cuda);
        Assert.AreEqual(20, drafting.CorpusWeight);
        Assert.StartsWith(before.TrimEnd()[..^1].TrimEnd(), File.ReadAllText(folder.In("asarm.json")));
        CollectionAssert.DoesNotContain(Directory.GetFiles(folder.Path), folder.In("asarm.json.new"));
    }

    /// <summary>A folder of links, as in download caches: the shared file is not changed.</summary>
    [TestMethod]
    public void Write_ManifestThatIsALink_ReplacesTheLink()
    {
        using var shared = new TemporaryFolder(Files.Tiny);
        using var folder = new TemporaryFolder(Files.Tiny);
        string before = File.ReadAllText(shared.In("asarm.json"));
        File.Delete(folder.In("asarm.json"));
        File.CreateSymbolicLink(folder.In("asarm.json"), shared.In("asarm.json"));
        DraftingWriter.Write(ModelFolder.Open(folder.Path), s_figures);
        Assert.AreEqual(before, File.ReadAllText(shared.In("asarm.json")));
        Assert.IsNull(new FileInfo(folder.In("asarm.json")).LinkTarget);
        Assert.IsNotNull(ModelFolder.Open(folder.Path).Manifest.Drafting);
    }

    /// <summary>A leftover of an earlier run is replaced, even if it is a link. If writing fails, the old file stays.</summary>
    [TestMethod]
    public void Write_LeftoverOrFolderInTheWay_ReplacesItOrKeepsTheFile()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        File.WriteAllText(folder.In("other"), "other");
        File.CreateSymbolicLink(folder.In("asarm.json.new"), folder.In("other"));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        DraftingWriter.Write(opened, s_figures);
        Assert.AreEqual("other", File.ReadAllText(folder.In("other")));
        string before = File.ReadAllText(folder.In("asarm.json"));
        Directory.CreateDirectory(folder.In("asarm.json.new"));
        File.WriteAllText(folder.In("asarm.json.new/x"), "");
        StringAssert.Contains(Assert.Throws<IOException>(() => DraftingWriter.RequireWritable(opened)).Message, "asarm.json cannot be written");
        StringAssert.Contains(Assert.Throws<IOException>(() => DraftingWriter.Write(opened, new())).Message, "asarm.json cannot be written");
        Assert.AreEqual(before, File.ReadAllText(folder.In("asarm.json")));
    }

    [TestMethod]
    public void Write_FiguresOutOfRange_AreRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        string before = File.ReadAllText(folder.In("asarm.json"));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        Assert.ThrowsExactly<ModelFolderException>(() => DraftingWriter.Write(opened, new() { CorpusWeight = -1 }));
        Assert.AreEqual(before, File.ReadAllText(folder.In("asarm.json")));
    }

    /// <summary>A folder may be exported again during a measurement, which takes minutes.</summary>
    [TestMethod]
    public void Write_FolderOfAnotherModelNow_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        ModelFolder opened = ModelFolder.Open(folder.Path);
        File.Copy(Path.Combine(Files.Micro, "asarm.json"), folder.In("asarm.json"), overwrite: true);
        string before = File.ReadAllText(folder.In("asarm.json"));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => DraftingWriter.Write(opened, s_figures)).Message, "another model");
        Assert.AreEqual(before, File.ReadAllText(folder.In("asarm.json")));
    }

    private static void Edit(TemporaryFolder folder, string drafting)
    {
        string json = File.ReadAllText(folder.In("asarm.json")).TrimEnd();
        File.WriteAllText(folder.In("asarm.json"), $"{json[..^1].TrimEnd()}, \"drafting\": {drafting}}}");
    }
}
