using AsArm.Assd.DraftHeads;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.ModelFolders;

/// <summary>draft_head.safetensors of a model folder: used if it matches the model, else refused with its name.</summary>
[TestClass]
public sealed class DraftHeadFileTests
{
    private const string Name = "draft_head.safetensors";
    private const int Vocabulary = 64, StateSize = 32; // of models/tiny

    [TestMethod]
    public void Read_FolderWithAHead_ReadsIt()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Put(folder, HeadBytes.Write(RandomHead.Weights(Vocabulary, StateSize)));
        DraftHead head = DraftHeadFile.Read(ModelFolder.Open(folder.Path))!;
        Assert.AreEqual((Vocabulary, StateSize), (head.VocabularySize, head.StateSize));
    }

    [TestMethod]
    public void Read_FolderWithoutAHead_IsNull() => Assert.IsNull(DraftHeadFile.Read(ModelFolder.Open(Files.Tiny)));

    [TestMethod]
    public void Read_TruncatedFile_IsRefused()
    {
        byte[] file = HeadBytes.Write(RandomHead.Weights(Vocabulary, StateSize));
        using var folder = new TemporaryFolder(Files.Tiny);
        foreach (int length in new[] { 0, 7, 8, 100, file.Length / 2, file.Length - 1 })
        {
            Put(folder, file[..length]);
            AssertRefused(folder, "is not a complete safetensors file");
        }
    }

    [TestMethod]
    [DataRow("hidden.weight")]
    [DataRow("output_embedding.scale")]
    [DataRow("ngram_exponent")]
    public void Read_WithoutATensor_IsRefused(string tensor)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Put(folder, HeadBytes.Write(RandomHead.Weights(Vocabulary, StateSize), tensor));
        AssertRefused(folder, tensor);
    }

    [TestMethod]
    public void Read_HeadOfAnotherModel_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Put(folder, HeadBytes.Write(RandomHead.Weights(Vocabulary + 1, StateSize)));
        AssertRefused(folder, "input_embedding.weight is [65, 4], with this model it must be [64, 4]");
        Put(folder, HeadBytes.Write(RandomHead.Weights(Vocabulary, StateSize + 1)));
        AssertRefused(folder, "hidden.weight is [6, 45], with this model it must be [6, 44]");
        Put(folder, HeadBytes.Write(RandomHead.Weights(Vocabulary, StateSize) with { MissingTokens = [1] }));
        AssertRefused(folder, "missing_tokens is [1]");
        Put(folder, HeadBytes.Write(RandomHead.Weights(Vocabulary, StateSize) with { OutputScales = [.. Enumerable.Repeat(float.NaN, Vocabulary)] }));
        AssertRefused(folder, "not finite");
    }

    /// <summary>The graph without a cache returns no states, and folders before format 3 have none in their graphs.</summary>
    [TestMethod]
    public void StateSize_OfAModel_IsThatOfItsGraph()
    {
        Assert.AreEqual(0, StateSizeOf(Files.Tiny));
        foreach (int format in new[] { 3, 1 })
        {
            using var folder = new TemporaryFolder(Files.InFormat(format));
            Put(folder, HeadBytes.Write(RandomHead.Weights(Vocabulary, StateSize)));
            Assert.AreEqual(format == 3 ? StateSize : 0, StateSizeOf(folder.Path));
            Assert.AreEqual(0, StateSizeOf(folder.Path, useCache: false));
            Assert.AreEqual(format == 3, DraftHeadFile.Read(ModelFolder.Open(folder.Path)) is not null);
        }
    }

    /// <summary>A head with random weights drafts badly; all gaps are filled nonetheless. Without a cache there are no states, and no head.</summary>
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Infill_WithARandomHead_Fills(bool useCache)
    {
        using var folder = new TemporaryFolder(Files.Default);
        ModelManifest manifest = ModelFolder.Open(folder.Path).Manifest;
        Put(folder, HeadBytes.Write(RandomHead.Weights(manifest.VocabularySize, manifest.ModelDimension)));
        using TextInfiller infiller = TextInfiller.Open(folder.Path, new() { UseCache = useCache });
        Assert.AreEqual(useCache, infiller.Setting.Head is not null);
        InfillResult result = infiller.Infill("Once there was <mask:24> and they were happy.", new InfillOptions { Seed = 1 });
        Assert.AreEqual(24, result.Statistics.Generated);
        StringAssert.StartsWith(result.Text, "Once there was");
    }

    private static int StateSizeOf(string folder, bool useCache = true)
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(folder), useCache: useCache);
        return model.StateSize;
    }

    private static void AssertRefused(TemporaryFolder folder, string message)
    {
        ModelFolder opened = ModelFolder.Open(folder.Path);
        string found = Assert.ThrowsExactly<ModelFolderException>(() => DraftHeadFile.Read(opened)).Message;
        StringAssert.Contains(found, Name);
        StringAssert.Contains(found, message);
    }

    private static void Put(TemporaryFolder folder, byte[] file) => ManifestText.ReplaceFile(folder, Name, file);
}
