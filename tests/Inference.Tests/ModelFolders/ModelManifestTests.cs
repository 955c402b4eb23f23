using System.Text.Json.Nodes;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Tests.ModelFolders;

/// <summary>Fields of asarm.json.</summary>
[TestClass]
public sealed class ModelManifestTests
{
    [TestMethod]
    [DataRow("format_version", 4, "format 4")]
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
        ManifestText.Edit(folder, manifest => manifest[field] = value is null ? null : JsonValue.Create(value));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, message);
    }

    [TestMethod]
    public void Open_ManifestWithTextRules_ReadsThem()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        Assert.IsNull(ModelFolder.Open(folder.Path).Manifest.TextRules);
        ManifestText.Edit(folder, manifest => manifest["format_version"] = 2);
        Assert.IsNull(ModelFolder.Open(folder.Path).Manifest.TextRules);
        ManifestText.Edit(folder, manifest => (manifest["text_rules"], manifest["text_encoding"]) = (JsonNode.Parse("{\"do_lower_case\": true}"), "asarm-code"));
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
        ManifestText.Edit(folder, manifest => manifest[field] = JsonNode.Parse(json));
        Assert.AreEqual(3, ModelFolder.Open(folder.Path).Manifest.FormatVersion);
    }

    /// <summary>Versions of AsArm that support format 1 only would ignore these fields.</summary>
    [TestMethod]
    [DataRow("text_rules", "{}")]
    [DataRow("text_encoding", "\"asarm-code\"")]
    public void Open_FormatOneWithTextRulesOrEncoding_IsRefused(string field, string json)
    {
        using var folder = new TemporaryFolder(Files.InFormat(1));
        ManifestText.Edit(folder, manifest => manifest[field] = JsonNode.Parse(json));
        string message = Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message;
        StringAssert.Contains(message, "format 1");
        StringAssert.Contains(message, field);
        ManifestText.Edit(folder, manifest => manifest["format_version"] = 2);
        ModelFolder.Open(folder.Path);
    }

    [TestMethod]
    public void Open_UnknownTextRule_NamesIt()
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        ManifestText.Edit(folder, manifest => (manifest["format_version"], manifest["text_rules"]) = (2, JsonNode.Parse("{\"keep_accent\": true}")));
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
        ManifestText.Edit(folder, manifest => (manifest["format_version"], manifest["text_rules"]) = (2, JsonNode.Parse(rules)));
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, message);
    }

    [TestMethod]
    public void Open_FastTokenizerRules_ReadsThem()
    {
        const string Rules = """{"backend": "tokenizers", "split_spaces_only": true, "character_map": true, "added_tokens": [{"id": 3}, {"id": 6, "strip_left": true}]}""";
        using var folder = new TemporaryFolder(Files.Tiny);
        ManifestText.Edit(folder, manifest => (manifest["format_version"], manifest["text_rules"]) = (2, JsonNode.Parse(Rules)));
        TextRules read = ModelFolder.Open(folder.Path).Manifest.TextRules!;
        CollectionAssert.AreEqual(new[] { new AddedToken(3), new AddedToken(6, StripLeft: true) }, read.AddedTokens!.ToArray());
        Assert.AreEqual(new TextRules { Backend = "tokenizers", SplitSpacesOnly = true, CharacterMap = true, AddedTokens = read.AddedTokens }, read);
        ManifestText.Edit(folder, manifest => manifest["text_encoding"] = "asarm-code");
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => ModelFolder.Open(folder.Path)).Message, "text_rules.backend, with text_encoding,");
    }

    [TestMethod]
    [DataRow("vocabulary_size")]
    [DataRow("format_version")]
    [DataRow("files")]
    public void Open_ManifestWithoutAField_NamesTheFile(string field)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        ManifestText.Edit(folder, manifest => manifest.Remove(field));
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
        ManifestText.Edit(folder, manifest => (manifest["format_version"], manifest[field]) = (2, JsonNode.Parse(json)));
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
        ManifestText.Edit(folder, manifest => (manifest["format_version"], manifest["text_rules"]) = (2, JsonNode.Parse("{\"keep_accents\": true}")));
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
}
