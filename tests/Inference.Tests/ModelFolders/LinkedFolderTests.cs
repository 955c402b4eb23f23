using AsArm.Assd.Tests.Support;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Verification;

namespace AsArm.Inference.Tests.ModelFolders;

/// <summary>Folders whose files are links, as in download caches and version control of large files.</summary>
[TestClass]
public sealed class LinkedFolderTests
{
    /// <summary>The layout of the Hugging Face cache: snapshots/REVISION/ with relative links to blobs/. The folder itself may be a link too.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Open_HuggingFaceCache_WorksAsTheFolder(bool byLink)
    {
        using var cache = new TemporaryFolder();
        string snapshot = Directory.CreateDirectory(cache.In("snapshots/0123abcd")).FullName;
        Directory.CreateDirectory(cache.In("blobs"));
        foreach (string file in Directory.GetFiles(Files.Default))
        {
            string name = Path.GetFileName(file), blob = Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(name));
            File.Copy(file, cache.In("blobs/" + blob));
            File.CreateSymbolicLink(Path.Combine(snapshot, name), "../../blobs/" + blob);
        }

        if (byLink)
            Directory.CreateSymbolicLink(cache.In("model"), "snapshots/0123abcd");
        AssertWorksAs(Files.Default, byLink ? cache.In("model") : snapshot);
    }

    /// <summary>The layout of git-annex and DVC: each file in a folder of its own, by a link to a link, relative and absolute. ONNX Runtime alone would refuse weights outside the folder of the graph.</summary>
    [TestMethod]
    [DataRow("models/tiny")]
    [DataRow("golden/micro/onnx")]
    [DataRow("golden/precision/int4")]
    public void Open_FilesInFoldersOfTheirOwn_WorksAsTheFolder(string source)
    {
        source = Path.Combine(AppContext.BaseDirectory, source);
        using var store = new TemporaryFolder();
        string folder = Directory.CreateDirectory(store.In("model")).FullName;
        foreach (string file in Directory.GetFiles(source))
        {
            string name = Path.GetFileName(file);
            foreach (string part in new[] { "objects", "links" })
                Directory.CreateDirectory(store.In($"{part}/{name}"));
            File.Copy(file, store.In($"objects/{name}/content"));
            File.CreateSymbolicLink(store.In($"links/{name}/link"), $"../../objects/{name}/content");
            File.CreateSymbolicLink(Path.Combine(folder, name), store.In($"links/{name}/link"));
        }

        AssertWorksAs(source, folder);
    }

    /// <summary>A graph may not reference other files than the weights of the folder.</summary>
    [TestMethod]
    public void Open_GraphWithOtherWeights_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        byte[] graph = OnnxWeights.Rename(File.ReadAllBytes(folder.In("model.onnx")), "../secret");
        Assert.Contains("another file", Assert.ThrowsExactly<InvalidDataException>(() => OnnxWeights.Check(graph, "model.onnx_data", 1 << 20)).Message);
        graph = File.ReadAllBytes(folder.In("model.onnx"));
        Assert.IsTrue(OnnxWeights.Check(graph, "model.onnx_data", new FileInfo(folder.In("model.onnx_data")).Length));
        Assert.Contains("beyond the end", Assert.ThrowsExactly<InvalidDataException>(() => OnnxWeights.Check(graph, "model.onnx_data", 1000)).Message);
        Assert.ThrowsExactly<InvalidDataException>(() => OnnxWeights.Check(graph, "model.onnx_data", -1));
    }

    [TestMethod]
    public void Rename_WeightsToTheirOwnName_ChangesNothing()
    {
        byte[] graph = File.ReadAllBytes(Path.Combine(Files.Tiny, "model_cached.onnx"));
        Assert.IsTrue(OnnxWeights.Rename(graph, "model.onnx_data").SequenceEqual(graph));
    }

    [TestMethod]
    public void RealPath_CycleOfLinks_Throws()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.In("a"), "b");
        File.CreateSymbolicLink(folder.In("b"), folder.In("a"));
        Assert.ThrowsExactly<IOException>(() => RegularFile.RealPath(folder.In("a")));
        Assert.ThrowsExactly<ModelFolderException>(() => RegularFile.Read(folder.In("a"), 10));
    }

    [TestMethod]
    public void RealPath_DotsAfterALinkedFolder_AreRelativeToItsTarget()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.In("one/two"));
        File.WriteAllText(folder.In("one/file"), "x");
        Directory.CreateSymbolicLink(folder.In("short"), "one/two");
        File.CreateSymbolicLink(folder.In("one/two/link"), "../file");
        Assert.AreEqual(RegularFile.RealPath(folder.In("one/file")), RegularFile.RealPath(folder.In("short/link")));
    }

    private static void AssertWorksAs(string expected, string folder)
    {
        foreach (bool useCache in new[] { false, true })
        {
            using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(folder), useCache: useCache), original = OnnxModelLoader.Open(ModelFolder.Open(expected), useCache: useCache);
            CollectionAssert.AreEqual(
                GoldenReplay.Run(original, Path.Combine(expected, "golden.safetensors")).ToArray(), GoldenReplay.Run(model, Path.Combine(folder, "golden.safetensors")).ToArray());
        }

        if (ModelFolder.Open(folder).TokenizerPath is null)
            return;
        using TextInfiller infiller = TextInfiller.Open(folder), same = TextInfiller.Open(expected);
        Assert.AreEqual(same.Infill("A <mask:3> day.", new() { Seed = 1 }).Text, infiller.Infill("A <mask:3> day.", new() { Seed = 1 }).Text);
    }
}
