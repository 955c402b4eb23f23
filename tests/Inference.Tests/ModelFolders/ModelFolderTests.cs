using System.Text.Json.Nodes;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Onnx.Stateless;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.ModelFolders;

/// <summary>Files of a folder, and graphs that do not fit them.</summary>
[TestClass]
public sealed class ModelFolderTests
{
    [TestMethod]
    public void Open_CommittedFolders_ReadsTheirManifest()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny + Path.DirectorySeparatorChar);
        Assert.AreEqual("tiny", folder.Name);
        Assert.AreEqual(64, folder.Manifest.VocabularySize);
        Assert.AreEqual(3, folder.Manifest.Layers);
        Assert.AreEqual(6, folder.Manifest.MaskId);
        Assert.IsNull(folder.TokenizerPath);
        Assert.IsNotNull(ModelFolder.Open(Files.Default).TokenizerPath);
    }

    [TestMethod]
    public void Open_FileOutsideTheFolder_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        ManifestText.Edit(folder, manifest => manifest["files"]!["../x"] = manifest["files"]!["config.json"]!.DeepClone());
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, "../x");
    }

    [TestMethod]
    [DataRow("model.onnx")]
    [DataRow("model_cached.onnx")]
    [DataRow("model.onnx_data")]
    [DataRow("config.json")]
    [DataRow("golden.safetensors")]
    public void Open_ChangedTruncatedOrMissingFile_NamesIt(string name)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        byte[] data = File.ReadAllBytes(folder.In(name));
        data[data.Length / 2] ^= 1;
        File.WriteAllBytes(folder.In(name), data);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, name);
        File.WriteAllBytes(folder.In(name), data[..^1]);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, "truncated");
        File.Delete(folder.In(name));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, name);
    }

    [TestMethod]
    [DataRow("model.onnx", false)]
    [DataRow("model_cached.onnx", true)]
    public void OpenModel_DamagedGraphWithMatchingHash_NamesIt(string name, bool useCache)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        ManifestText.ReplaceFile(folder, name, File.ReadAllBytes(folder.In(name))[..5000]);
        ModelFolder opened = ModelFolder.Open(folder.Path);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened, useCache: useCache)).Message, name);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void OpenModel_TruncatedWeightsWithMatchingHash_IsRefused(bool useCache)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        ManifestText.ReplaceFile(folder, "model.onnx_data", File.ReadAllBytes(folder.In("model.onnx_data"))[..50_000]);
        ModelFolder opened = ModelFolder.Open(folder.Path);
        StringAssert.Contains(
            Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened, useCache: useCache)).Message, "ONNX Runtime can load");
    }

    [TestMethod]
    [DataRow("model.onnx", "outputs", false)]
    [DataRow("model_cached.onnx", "inputs", true)] // another number of layers
    public void OpenModel_GraphOfAnotherModel_IsRefused(string name, string message, bool useCache)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        foreach (string file in new[] { name, "model.onnx_data" })
            ManifestText.ReplaceFile(folder, file, File.ReadAllBytes(Path.Combine(Files.Micro, file)));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened, useCache: useCache)).Message, message);
    }

    /// <summary>Folders of an earlier exporter have no cached graph, and work without it.</summary>
    [TestMethod]
    public void OpenModel_FolderWithoutACachedGraph_UsesTheStatelessOne()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        File.Delete(folder.In("model_cached.onnx"));
        ManifestText.Edit(folder, manifest => manifest["files"]!.AsObject().Remove("model_cached.onnx"));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        Assert.IsNull(opened.CachedOnnxPath);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(opened);
        Assert.IsInstanceOfType<StatelessOnnxModel>(model);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => CachedOnnxModel.Open(opened)).Message, "export it again");
    }

    [TestMethod]
    [DataRow("spiece.model")]
    [DataRow("ngrams.bin")]
    [DataRow("draft_head.safetensors")]
    [DataRow("model.onnx_data")]
    [DataRow("model_cached.onnx")]
    public void Open_FileThatIsNotListed_IsRefused(string name)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        File.WriteAllText(folder.In(name), "x");
        ManifestText.Edit(folder, manifest => manifest["files"]!.AsObject().Remove(name));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, name);
    }

    /// <summary>As docs/model-format.md says, the metadata of the graphs have these fields too.</summary>
    [TestMethod]
    [DataRow("format_version", 2)]
    [DataRow("format_version", 3)]
    [DataRow("mask_id", 7)]
    [DataRow("maximum_length", 65)] // one more than the position table has
    [DataRow("maximum_length", 63)]
    [DataRow("layers", 2)]
    [DataRow("precision", "float16")]
    [DataRow("precision", "int8")]
    [DataRow("checkpoint_sha256", "0000")]
    public void OpenModel_ManifestThatContradictsTheGraph_IsRefused(string field, object value)
    {
        using var folder = new TemporaryFolder(Files.InFormat(1));
        ManifestText.Edit(folder, manifest => (field == "checkpoint_sha256" ? manifest["source"]! : manifest)[field] = JsonValue.Create(value));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        foreach (bool useCache in new[] { false, true })
        {
            string message = Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened, useCache: useCache)).Message;
            StringAssert.Contains(message, useCache && (field == "layers" || value is 3) ? "other inputs" : field); // inputs are checked first
        }
    }

    /// <summary>Graphs of other exporters: most metadata may be missing, but not the length of the position table.</summary>
    [TestMethod]
    [DataRow("asarm.checkpoint_sha256", true)]
    [DataRow("asarm.mask_id", true)]
    [DataRow("asarm.maximum_length", false)]
    public void OpenModel_GraphWithoutAMetadataField_IsRefusedIfRequired(string property, bool opens)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        foreach (string file in new[] { "model.onnx", "model_cached.onnx" })
            ManifestText.ReplaceFile(folder, file, Replaced(File.ReadAllBytes(folder.In(file)), property, property.Replace('_', '-')));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        OnnxModelLoader.Open(opened, useCache: false).Dispose();
        if (opens)
            OnnxModelLoader.Open(opened).Dispose();
        else
            StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened)).Message, "export the model again");
    }

    /// <summary>If both graph and manifest claim a longer position table, ONNX Runtime fails when it runs; graphs of format 3 clip distances.</summary>
    [TestMethod]
    public void Evaluate_BeyondThePositionTable_ThrowsModelRunException()
    {
        using var folder = new TemporaryFolder(Files.InFormat(1));
        foreach (string file in new[] { "model.onnx", "model_cached.onnx" })
            ManifestText.ReplaceFile(folder, file, Replaced(File.ReadAllBytes(folder.In(file)), "asarm.maximum_length\u0012\u000264", "asarm.maximum_length\u0012\u000299"));
        ManifestText.Edit(folder, manifest => manifest["maximum_length"] = 99);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(folder.Path));
        var state = new SequenceState(Order.LeftToRight([true, .. new bool[98]]), new int[99], 64, 1);
        state.BeginForwardPass(99);
        state.AddQuery(new Conditional(98, 98));
        string message = Assert.ThrowsExactly<ModelRunException>(() => model.Evaluate([state], CancellationToken.None)).Message;
        StringAssert.Contains(message, "model_cached.onnx");
        Assert.DoesNotContain("\n", message);
    }

    /// <summary>Replaces a text by another of the same length.</summary>
    private static byte[] Replaced(byte[] content, string from, string to)
    {
        int index = content.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(from));
        Assert.IsGreaterThan(0, index);
        System.Text.Encoding.ASCII.GetBytes(to).CopyTo(content, index);
        return content;
    }
}
