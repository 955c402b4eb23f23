using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>The runtime and the exporter accept the same SentencePiece models; tests/tools/text/test_sentencepiece_file.py reads the same cases.</summary>
[TestClass]
public sealed class TokenizerKindsTests
{
    private static readonly JsonElement[] s_cases = [.. JsonDocument.Parse(File.ReadAllBytes(Files.Golden("tokenizer/kinds.json"))).RootElement.EnumerateArray()];

    public static IEnumerable<object[]> Cases => s_cases.Select(one => new object[] { one.GetProperty("name").GetString()! });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Open_RecordedModels_AcceptsAndRefusesAsTheExporter(string name)
    {
        using var folder = new TemporaryFolder();
        string path = folder.In("some.model");
        JsonElement one = s_cases.Single(one => one.GetProperty("name").GetString() == name);
        File.WriteAllBytes(path, one.GetProperty("file").GetBytesFromBase64());
        if (one.TryGetProperty("reason", out JsonElement reason))
        {
            string message = Assert.ThrowsExactly<ModelFolderException>(() => Tokenizers.Open(path, null)).Message;
            Assert.AreEqual($"{path} is not a tokenizer for this model: {reason.GetString()}.", message);
            return;
        }

        int[] ids = [.. one.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        CollectionAssert.AreEqual(ids, Tokenizers.Open(path, null).EncodeStart(one.GetProperty("text").GetString()!));
    }
}
