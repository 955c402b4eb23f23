using System.Security.Cryptography;
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
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Tests.ModelFolders;

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
    [DataRow("format_version", 3, "format 3")]
    [DataRow("mask_id", 64, "mask_id")]
    [DataRow("model_dimension", 30, "model_dimension")]
    [DataRow("maximum_length", 0, "maximum_length")]
    [DataRow("files", null, "files")]
    [DataRow("precision", null, "precision")]
    [DataRow("layers", "three", "asarm.json")]
    [DataRow("text_encoding", "utf-7", "text_encoding")]
    [DataRow("text_rules", "xlnet", "asarm.json")]
    public void Open_ManifestWithAWrongValue_NamesIt(string field, object? value, string message)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => manifest[field] = value is null ? null : JsonValue.Create(value));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, message);
    }

    [TestMethod]
    public void Open_ManifestWithTextRules_ReadsThem()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Assert.IsNull(ModelFolder.Open(folder.Path).Manifest.TextRules);
        Edit(folder, manifest => manifest["format_version"] = 2);
        Assert.IsNull(ModelFolder.Open(folder.Path).Manifest.TextRules);
        Edit(folder, manifest => (manifest["text_rules"], manifest["text_encoding"]) = (JsonNode.Parse("{\"do_lower_case\": true}"), "asarm-code"));
        ModelManifest manifest = ModelFolder.Open(folder.Path).Manifest;
        Assert.AreEqual(new TextRules(DoLowerCase: true, RemoveSpace: true, KeepAccents: false, SplitDigitCommas: true), manifest.TextRules);
        Assert.AreEqual(ModelManifest.CodeEncoding, manifest.TextEncoding);
    }

    [TestMethod]
    [DataRow("open_gaps", "0.25")]
    [DataRow("of_a_later_version", "{}")]
    public void Open_DescriptiveField_IsIgnored(string field, string json)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => manifest[field] = JsonNode.Parse(json));
        Assert.AreEqual(1, ModelFolder.Open(folder.Path).Manifest.FormatVersion);
    }

    /// <summary>Versions of AsArm that support format 1 only would ignore these fields.</summary>
    [TestMethod]
    [DataRow("text_rules", "{}")]
    [DataRow("text_encoding", "\"asarm-code\"")]
    public void Open_FormatOneWithTextRulesOrEncoding_IsRefused(string field, string json)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => manifest[field] = JsonNode.Parse(json));
        string message = Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message;
        StringAssert.Contains(message, "format 1");
        StringAssert.Contains(message, field);
        Edit(folder, manifest => manifest["format_version"] = 2);
        ModelFolder.Open(folder.Path);
    }

    [TestMethod]
    public void Open_UnknownTextRule_NamesIt()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => (manifest["format_version"], manifest["text_rules"]) = (2, JsonNode.Parse("{\"keep_accent\": true}")));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, "keep_accent");
    }

    /// <summary>Settings that are inconsistent with each other are refused, as one of them would have no effect.</summary>
    [TestMethod]
    [DataRow("{\"backend\": \"mine\"}", "text_rules.backend is out of range")]
    [DataRow("{\"backend\": \"tokenizers\"}", "text_rules.added_tokens is out of range")]
    [DataRow("{\"character_map\": true}", "text_rules.character_map is out of range")]
    [DataRow("{\"split_spaces_only\": true}", "text_rules.split_spaces_only is out of range")]
    [DataRow("{\"added_tokens\": [{\"id\": 1, \"normalized\": true}]}", "text_rules.added_tokens is out of range")]
    [DataRow("{\"added_tokens\": [{\"id\": 1, \"lstrip\": true}]}", "lstrip")]
    [DataRow("{\"added_tokens\": [{\"strip_left\": true}]}", "id")]
    public void Open_InconsistentTextRules_NamesTheField(string rules, string message)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => (manifest["format_version"], manifest["text_rules"]) = (2, JsonNode.Parse(rules)));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, message);
    }

    [TestMethod]
    public void Open_FastTokenizerRules_ReadsThem()
    {
        const string Rules = """{"backend": "tokenizers", "split_spaces_only": true, "character_map": true, "added_tokens": [{"id": 3}, {"id": 6, "strip_left": true}]}""";
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => (manifest["format_version"], manifest["text_rules"]) = (2, JsonNode.Parse(Rules)));
        TextRules read = ModelFolder.Open(folder.Path).Manifest.TextRules!;
        CollectionAssert.AreEqual(new[] { new AddedToken(3), new AddedToken(6, StripLeft: true) }, read.AddedTokens!.ToArray());
        Assert.AreEqual(new TextRules { Backend = "tokenizers", SplitSpacesOnly = true, CharacterMap = true, AddedTokens = read.AddedTokens }, read);
        Edit(folder, manifest => manifest["text_encoding"] = "asarm-code");
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, "text_rules.backend, with text_encoding,");
    }

    [TestMethod]
    [DataRow("vocabulary_size")]
    [DataRow("format_version")]
    [DataRow("files")]
    public void Open_ManifestWithoutAField_NamesTheFile(string field)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => manifest.Remove(field));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, "asarm.json");
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("[1]")]
    [DataRow("null")]
    [DataRow("{\"format_version\": \"1\"}")]
    [DataRow("{")]
    public void Open_InvalidManifest_Throws(string text)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        File.WriteAllText(folder.In("asarm.json"), text);
        Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path));
    }

    [TestMethod]
    public void Open_FileOutsideTheFolder_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => manifest["files"]!["../x"] = manifest["files"]!["config.json"]!.DeepClone());
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
        Replace(folder, name, File.ReadAllBytes(folder.In(name))[..5000]);
        ModelFolder opened = ModelFolder.Open(folder.Path);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened, useCache: useCache)).Message, name);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void OpenModel_TruncatedWeightsWithMatchingHash_IsRefused(bool useCache)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Replace(folder, "model.onnx_data", File.ReadAllBytes(folder.In("model.onnx_data"))[..50_000]);
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
            Replace(folder, file, File.ReadAllBytes(Path.Combine(Files.Micro, file)));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened, useCache: useCache)).Message, message);
    }

    /// <summary>Folders of an earlier exporter have no cached graph, and work without it.</summary>
    [TestMethod]
    public void OpenModel_FolderWithoutACachedGraph_UsesTheStatelessOne()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        File.Delete(folder.In("model_cached.onnx"));
        Edit(folder, manifest => manifest["files"]!.AsObject().Remove("model_cached.onnx"));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        Assert.IsNull(opened.CachedOnnxPath);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(opened);
        Assert.IsInstanceOfType<StatelessOnnxModel>(model);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => CachedOnnxModel.Open(opened)).Message, "export it again");
    }

    [TestMethod]
    [DataRow("spiece.model")]
    [DataRow("ngrams.bin")]
    [DataRow("model.onnx_data")]
    [DataRow("model_cached.onnx")]
    public void Open_FileThatIsNotListed_IsRefused(string name)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        File.WriteAllText(folder.In(name), "x");
        Edit(folder, manifest => manifest["files"]!.AsObject().Remove(name));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, name);
    }

    /// <summary>As docs/model-format.md says, the metadata of the graphs have these fields too.</summary>
    [TestMethod]
    [DataRow("format_version", 2)]
    [DataRow("mask_id", 7)]
    [DataRow("maximum_length", 65)] // one more than the position table has
    [DataRow("maximum_length", 63)]
    [DataRow("layers", 2)]
    [DataRow("precision", "float16")]
    [DataRow("precision", "int8")]
    [DataRow("checkpoint_sha256", "0000")]
    public void OpenModel_ManifestThatContradictsTheGraph_IsRefused(string field, object value)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => (field == "checkpoint_sha256" ? manifest["source"]! : manifest)[field] = JsonValue.Create(value));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        foreach (bool useCache in new[] { false, true })
        {
            string message = Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened, useCache: useCache)).Message;
            StringAssert.Contains(message, field == "layers" && useCache ? "other inputs" : field); // inputs are checked first
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
            Replace(folder, file, Replaced(File.ReadAllBytes(folder.In(file)), property, property.Replace('_', '-')));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        OnnxModelLoader.Open(opened, useCache: false).Dispose();
        if (opens)
            OnnxModelLoader.Open(opened).Dispose();
        else
            StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened)).Message, "export the model again");
    }

    /// <summary>If both graph and manifest claim a longer position table, ONNX Runtime fails when it runs.</summary>
    [TestMethod]
    public void Evaluate_BeyondThePositionTable_ThrowsModelRunException()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        foreach (string file in new[] { "model.onnx", "model_cached.onnx" })
            Replace(folder, file, Replaced(File.ReadAllBytes(folder.In(file)), "asarm.maximum_length\u0012\u000264", "asarm.maximum_length\u0012\u000299"));
        Edit(folder, manifest => manifest["maximum_length"] = 99);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(folder.Path));
        var state = new SequenceState(Order.LeftToRight([true, .. new bool[98]]), new int[99], 64, 1);
        state.BeginForwardPass(99);
        state.AddQuery(new Conditional(98, 98));
        string message = Assert.ThrowsExactly<ModelRunException>(() => model.Evaluate([state], CancellationToken.None)).Message;
        StringAssert.Contains(message, "model_cached.onnx");
        Assert.DoesNotContain("\n", message);
    }

    [TestMethod]
    [DataRow("mask_id", "\"six\"", "mask_id")]
    [DataRow("files", "{\"model.onnx\": {\"sha256\": \"00\"}}", "files")]
    [DataRow("special_ids", "[0, 1.5]", "special_ids")]
    [DataRow("text_rules", "{\"keep_accent\": true}", "keep_accent")]
    [DataRow("text_rules", "{\"keep_accents\": 1}", "text_rules.keep_accents")]
    [DataRow("text_rules", "[]", "text_rules")]
    [DataRow("source", "1", "source")]
    [DataRow("layers", "4294967296", "layers")]
    public void Open_FieldOfAWrongType_NamesItWithoutNetTypes(string field, string json, string named)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => (manifest["format_version"], manifest[field]) = (2, JsonNode.Parse(json)));
        AssertMessageNames(folder, named);
        File.WriteAllText(folder.In("asarm.json"), "{\"format_version\": 1}");
        AssertMessageNames(folder, "maximum_length");
        File.WriteAllText(folder.In("asarm.json"), "[1]");
        AssertMessageNames(folder, "not a JSON object");
        File.WriteAllText(folder.In("asarm.json"), "{\n\"format_version\": 1,\n nonsense }");
        AssertMessageNames(folder, "line 3");
    }

    [TestMethod]
    public void Open_InvalidUtf8_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Edit(folder, manifest => (manifest["format_version"], manifest["text_rules"]) = (2, JsonNode.Parse("{\"keep_accents\": true}")));
        byte[] manifest = File.ReadAllBytes(folder.In("asarm.json"));
        manifest[manifest.AsSpan().IndexOf("keep_accents"u8)] = 0xFF;
        File.WriteAllBytes(folder.In("asarm.json"), manifest);
        AssertMessageNames(folder, "UTF-8");
    }

    /// <summary>It would be ambiguous which of the two is used.</summary>
    [TestMethod]
    public void Open_RepeatedField_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        File.WriteAllText(folder.In("asarm.json"), File.ReadAllText(folder.In("asarm.json")).Replace("\"layers\": 3", "\"layers\": 3, \"layers\": 2"));
        AssertMessageNames(folder, "layers");
    }

    private static void AssertMessageNames(TemporaryFolder folder, string named)
    {
        string message = Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message;
        StringAssert.Contains(message, "asarm.json");
        StringAssert.Contains(message, named);
        foreach (string type in new[] { "System.", "AsArm.", ".NET", "JsonElement", "deserializ" })
            Assert.DoesNotContain(type, message);
    }

    /// <summary>Replaces a text by another of the same length.</summary>
    private static byte[] Replaced(byte[] content, string from, string to)
    {
        int index = content.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(from));
        Assert.IsGreaterThan(0, index);
        System.Text.Encoding.ASCII.GetBytes(to).CopyTo(content, index);
        return content;
    }

    private static void Edit(TemporaryFolder folder, Action<JsonObject> change)
    {
        JsonObject manifest = JsonNode.Parse(File.ReadAllText(folder.In("asarm.json")))!.AsObject();
        change(manifest);
        File.WriteAllText(folder.In("asarm.json"), manifest.ToJsonString());
    }

    private static void Replace(TemporaryFolder folder, string name, byte[] data)
    {
        File.WriteAllBytes(folder.In(name), data);
        Edit(folder, manifest => manifest["files"]![name] = new JsonObject
        {
            ["sha256"] = Convert.ToHexString(SHA256.HashData(data)),
            ["bytes"] = data.Length,
        });
    }
}
