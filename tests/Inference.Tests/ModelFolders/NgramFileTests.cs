using AsArm.Assd.Ngrams;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.ModelFolders;

/// <summary>ngrams.bin of a model folder: used if it matches the model, else refused with its name.</summary>
[TestClass]
public sealed class NgramFileTests
{
    private const string Name = "ngrams.bin";
    private const int Vocabulary = 64; // of models/tiny
    private const string Text = "Once there was <mask:24> and they were happy.";

    [TestMethod]
    public void Read_FolderWithATable_ReadsIt()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        byte[] table = NgramBytes.Random(Vocabulary, 3, 0.2, 1);
        Put(folder, table);
        NgramTable read = NgramFile.Read(ModelFolder.Open(folder.Path))!;
        Assert.AreEqual((3, Vocabulary), (read.Order, read.VocabularySize));
        Assert.AreEqual(NgramTable.Open(table).Probability(5, [1, 2]), read.Probability(5, [1, 2]));
    }

    /// <summary>Truncating a memory-mapped file would end the process at the next lookup.</summary>
    [TestMethod]
    public void Infill_TableTruncatedWhileOpen_IsNotAffected()
    {
        using var folder = new TemporaryFolder(Files.Default);
        using TextInfiller infiller = TextInfiller.Open(folder.Path);
        var options = new InfillOptions { Sampler = SamplerKind.Fused, Seed = 1 };
        string before = infiller.Infill(Text, options).Text;
        File.WriteAllBytes(folder.In(Name), []);
        Assert.AreEqual(before, infiller.Infill(Text, options).Text);
    }

    [TestMethod]
    public void Read_FileChangedAfterOpening_NamesIt()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        byte[] table = NgramBytes.Random(Vocabulary, 2, 0.1, 1);
        Put(folder, table);
        ModelFolder opened = ModelFolder.Open(folder.Path);
        table[^1] ^= 1;
        File.WriteAllBytes(folder.In(Name), table);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => NgramFile.Read(opened)).Message, Name);
    }

    [TestMethod]
    public void Read_FolderWithoutATable_IsNull() => Assert.IsNull(NgramFile.Read(ModelFolder.Open(Files.Tiny)));

    [TestMethod]
    public void Read_TruncatedTable_IsRefused()
    {
        byte[] table = NgramBytes.Random(Vocabulary, 2, 0.1, 1);
        using var folder = new TemporaryFolder(Files.Tiny);
        foreach (int length in new[] { 0, 1, 8, 35, 36, 37, 100, table.Length / 2, table.Length - 1 })
        {
            Put(folder, table[..length]);
            AssertRefused(folder, Name);
        }
    }

    [TestMethod]
    [DataRow(0, "not an n-gram table")] // magic
    [DataRow(8, "version")]
    [DataRow(16, "impossible size")] // order
    public void Read_ChangedHeader_IsRefused(int offset, string message)
    {
        byte[] table = NgramBytes.Random(Vocabulary, 2, 0.1, 1);
        table[offset] ^= 0x40;
        using var folder = new TemporaryFolder(Files.Tiny);
        Put(folder, table);
        AssertRefused(folder, message);
    }

    [TestMethod]
    public void Read_TableOfAnotherVocabulary_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Put(folder, NgramBytes.Random(Vocabulary + 1, 2, 0.1, 1));
        AssertRefused(folder, "65 tokens, the model has 64");
    }

    [TestMethod]
    public void Open_ChangedTable_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        byte[] table = NgramBytes.Random(Vocabulary, 2, 0.1, 1);
        Put(folder, table);
        table[^1] ^= 1;
        File.WriteAllBytes(folder.In(Name), table);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, Name);
    }

    /// <summary>The table is optional: without it more forward passes are needed, but all gaps are filled.</summary>
    [TestMethod]
    public void Infill_WithATable_NeedsFewerPasses()
    {
        using var folder = new TemporaryFolder(Files.Default);
        using TextInfiller with = TextInfiller.Open(folder.Path);
        ManifestText.Edit(folder, manifest => manifest["files"]!.AsObject().Remove(Name));
        File.Delete(folder.In(Name));
        using TextInfiller without = TextInfiller.Open(folder.Path);
        Assert.IsNotNull(with.Folder.NgramsPath);
        Assert.IsNull(without.Folder.NgramsPath);
        int nfeWith = 0, nfeWithout = 0;
        for (int seed = 0; seed < 10; seed++)
        {
            var options = new InfillOptions { Sampler = SamplerKind.Fused, Seed = seed };
            nfeWith += with.Infill(Text, options).Statistics.Nfe;
            nfeWithout += without.Infill(Text, options).Statistics.Nfe;
        }

        Assert.IsLessThan(nfeWithout, nfeWith);
        Assert.IsLessThanOrEqualTo(240, nfeWithout);
    }

    private static void AssertRefused(TemporaryFolder folder, string message)
    {
        ModelFolder opened = ModelFolder.Open(folder.Path);
        string found = Assert.ThrowsExactly<ModelFolderException>(() => NgramFile.Read(opened)).Message;
        StringAssert.Contains(found, Name);
        StringAssert.Contains(found, message);
        Assert.ThrowsExactly<ModelFolderException>(() => TextInfiller.Open(folder.Path));
    }

    private static void Put(TemporaryFolder folder, byte[] table) => ManifestText.ReplaceFile(folder, Name, table);
}
