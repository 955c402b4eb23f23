using System.Text;
using System.Text.Json.Nodes;
using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Folders;

/// <summary>Damaged model folders: exit code 2, one line that names the file, nothing written.</summary>
[TestClass]
public sealed class ModelFolderTests
{
    [TestMethod]
    [DataRow("infill", "A <mask> day.")]
    [DataRow("score", "A [[fine]] day.")]
    [DataRow("verify")]
    [DataRow("info")]
    public void Command_MissingFolder_IsNamed(params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        AsarmCommand.Run([.. arguments, "--model", folder.In("none")]).IsBadInput(folder.In("none"));
    }

    [TestMethod]
    public void Info_FileInsteadOfAFolder_IsNamed()
    {
        string file = Path.Combine(Models.Tiny, "asarm.json");
        AsarmCommand.Run("info", "--model", file).IsBadInput(file);
    }

    [TestMethod]
    [DataRow("asarm.json")]
    [DataRow("model.onnx")]
    [DataRow("config.json")]
    [DataRow("golden.safetensors")]
    public void Info_MissingFile_IsNamed(string file)
    {
        using var model = new ModelCopy(Models.Tiny);
        File.Delete(model.In(file));
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput(model.In(file));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("{")]
    [DataRow("[1]")]
    [DataRow("null")]
    [DataRow("format_version: 1")]
    public void Info_BrokenManifest_IsNamed(string json)
    {
        using var model = new ModelCopy(Models.Tiny);
        model.Damage("asarm.json", _ => Encoding.UTF8.GetBytes(json));
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput("asarm.json");
    }

    [TestMethod]
    [DataRow("format_version")]
    [DataRow("maximum_length")]
    [DataRow("vocabulary_size")]
    [DataRow("mask_id")]
    [DataRow("special_ids")]
    [DataRow("files")]
    public void Info_ManifestWithoutAField_NamesIt(string field)
    {
        using var model = new ModelCopy(Models.Tiny);
        model.EditManifest(manifest => manifest.Remove(field));
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput("asarm.json", field);
    }

    [TestMethod]
    [DataRow("format_version", "4", "format 4")]
    [DataRow("format_version", "0", "format_version")]
    [DataRow("format_version", "\"1\"", "format_version")]
    [DataRow("maximum_length", "0", "maximum_length")]
    [DataRow("mask_id", "64", "mask_id")]
    [DataRow("mask_id", "\"six\"", "mask_id")]
    [DataRow("special_ids", "[64]", "special_ids")]
    [DataRow("files", "{}", "model.onnx")]
    [DataRow("files", """{"../model.onnx": {"sha256": "", "bytes": 0}, "model.onnx": {"sha256": "", "bytes": 0}, "config.json": {"sha256": "", "bytes": 0}}""", "../model.onnx")]
    public void Info_ManifestWithAWrongValue_NamesIt(string field, string json, string named)
    {
        using var model = new ModelCopy(Models.Tiny);
        model.EditManifest(manifest => manifest[field] = JsonNode.Parse(json));
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput("asarm.json", named);
    }

    [TestMethod]
    public void Infill_NoTokenLeftToGenerate_IsRefused()
    {
        using var model = new ModelCopy(Models.Text);
        model.EditManifest(manifest => manifest["special_ids"] =
            new JsonArray([.. Enumerable.Range(0, (int)manifest["vocabulary_size"]!).Select(id => JsonValue.Create(id))]));
        AsarmCommand.Run("infill", "A <mask> day.", "--model", model.Path).IsBadInput("asarm.json", "special_ids");
    }

    [TestMethod]
    [DataRow("model.onnx")]
    [DataRow("model_cached.onnx")]
    [DataRow("model.onnx_data")]
    [DataRow("config.json")]
    [DataRow("golden.safetensors")]
    public void Info_ChangedOrTruncatedFile_IsNamed(string file)
    {
        using var model = new ModelCopy(Models.Tiny);
        model.Damage(file, content => [.. content[..^1], (byte)~content[^1]]);
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput(model.In(file), "SHA-256");
        model.Damage(file, content => content[..^1]);
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput(model.In(file), "truncated");
    }

    [TestMethod]
    [DataRow("info")]
    [DataRow("verify")]
    public void Command_OnnxOfOtherInputs_SaysWhichAndWhatWasExpected(string command)
    {
        using var model = new ModelCopy(Models.Tiny);
        model.Replace("model.onnx", content => OnnxBytes.Rename(content, "prompt_mask", "prompt_musk"));
        AsarmCommand.Run(command, "--model", model.Path).IsBadInput(model.In("model.onnx"), "other inputs", "prompt_mask", "prompt_musk");
    }

    [TestMethod]
    [DataRow(1, "content_ranks", "content_tanks", "inputs")]
    [DataRow(1, "past_key_values.2.key", "past_key_values.7.key", "inputs")]
    [DataRow(1, "present.1.value", "present.9.value", "outputs")]
    [DataRow(3, "past_ranks", "past_tanks", "inputs")]
    [DataRow(3, "past_key_values.2.key", "past_key_values.7.key", "inputs")]
    [DataRow(3, "present.1.value", "present.9.value", "outputs")]
    [DataRow(3, "target_states", "target_stated", "outputs")]
    public void Verify_CachedOnnxOfOtherPorts_SaysWhichAndWhatWasExpected(int format, string name, string other, string kind)
    {
        using var model = new ModelCopy(Models.InFormat(format));
        model.Replace("model_cached.onnx", content => OnnxBytes.Rename(content, name, other));
        AsarmCommand.Run("verify", "--model", model.Path).IsBadInput(model.In("model_cached.onnx"), $"other {kind}", name == "target_states" ? "logits" : name);
    }

    [TestMethod]
    public void Info_OnnxOfOtherOutputs_SaysWhichAndWhatWasExpected()
    {
        using var model = new ModelCopy(Models.Tiny);
        model.Replace("model.onnx", content => OnnxBytes.Rename(content, "logits", "logots"));
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput(model.In("model.onnx"), "other outputs", "logits", "logots");
    }

    [TestMethod]
    public void Info_OnnxOfAnotherVocabulary_IsNamed()
    {
        using var model = new ModelCopy(Models.Tiny);
        model.EditManifest(manifest => manifest["vocabulary_size"] = 65);
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput(model.In("model.onnx"), "65");
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1000)]
    [DataRow(-1)]
    public void Info_TruncatedOnnxBehindARightHash_IsNamed(int keep)
    {
        using var model = new ModelCopy(Models.Tiny);
        model.Replace("model.onnx", content => Keep(content, keep));
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput(model.In("model.onnx"));
    }

    /// <summary>As a process: what ONNX Runtime itself logs would stand on its standard error.</summary>
    [TestMethod]
    public void Info_OnnxOfGarbageBehindARightHash_IsNamed()
    {
        using var model = new ModelCopy(Models.Tiny);
        model.Replace("model.onnx", content => [.. content.Select(value => (byte)~value)]);
        AsarmCommand.RunAsProcess("info", "--model", model.Path).IsBadInput(model.In("model.onnx"));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1000)]
    [DataRow(-1)]
    public void Infill_TruncatedTokenizerBehindARightHash_IsNamed(int keep)
    {
        using var model = new ModelCopy(Models.Text);
        model.Replace("spiece.model", content => Keep(content, keep));
        AsarmCommand.Run("infill", "A <mask> day.", "--model", model.Path).IsBadInput(model.In("spiece.model"));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1000)]
    [DataRow(-1)]
    public void Infill_TruncatedNgramsBehindARightHash_AreNamed(int keep)
    {
        using var model = new ModelCopy(Models.Default);
        model.Replace("ngrams.bin", content => Keep(content, keep));
        AsarmCommand.Run("infill", "A <mask> day.", "--model", model.Path).IsBadInput(model.In("ngrams.bin"));
    }

    [TestMethod]
    public void Score_TokenizerOfGarbageBehindARightHash_IsNamed()
    {
        using var model = new ModelCopy(Models.Text);
        model.Replace("spiece.model", content => [.. content.Select(value => (byte)~value)]);
        AsarmCommand.Run("score", "A [[fine]] day.", "--model", model.Path).IsBadInput(model.In("spiece.model"));
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    [DataRow(float.NegativeInfinity)]
    public void InfillAndScore_LogitsThatAreNotFinite_AreRefused(float bias)
    {
        using var model = new ModelCopy(Models.Text);
        OnnxBytes.FillOutputBias(model, bias);
        AsarmCommand.Run("infill", "A <mask> day.", "--model", model.Path).IsBadInput("NaN or infinite logits");
        AsarmCommand.Run("score", "A [[fine]] day.", "--model", model.Path).IsBadInput("NaN or infinite logits");
    }

    [TestMethod]
    public void Infill_LinesWithAModelThatCannotBeOpened_LeaveTheOutputAsItWas()
    {
        using var model = new ModelCopy(Models.Text);
        using var folder = new TemporaryFolder();
        model.Damage("config.json", content => content[..^1]);
        string input = folder.Write("in.jsonl", """{"text": "A <mask> day."}"""u8.ToArray()), older = folder.Write("older.jsonl", "kept"u8.ToArray());
        string[] arguments = ["infill", "--model", model.Path, "--input", input, "--output"];
        AsarmCommand.Run([.. arguments, folder.In("new.jsonl")]).IsBadInput();
        AsarmCommand.Run([.. arguments, older]).IsBadInput();
        Assert.IsFalse(File.Exists(folder.In("new.jsonl")));
        Assert.AreEqual("kept", File.ReadAllText(older));
    }

    /// <summary>What the network answers to one line ends that line; all samples of a line that failed alike are one error.</summary>
    [TestMethod]
    public void Infill_LinesWithAModelThatAnswersNaN_FailEach()
    {
        using var model = new ModelCopy(Models.Text);
        OnnxBytes.FillOutputBias(model, float.NaN);
        AsarmResult result = AsarmCommand.RunOn(
            """
            {"id": 1, "text": "A <mask> day."}
            {"id": 2, "text": "No gap."}
            {"id": 3, "text": "A <mask> day.", "samples": 20}
            """u8.ToArray(),
            "infill", "--model", model.Path, "--input", "-");
        Assert.AreEqual(1, result.ExitCode);
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, result.JsonLines.Select(line => line.GetProperty("id").GetInt32()).ToArray());
        foreach (int line in (int[])[0, 2])
            Assert.AreEqual("The model returned NaN or infinite logits.", result.JsonLines[line].GetProperty("error").GetString());
        Assert.Contains("0 lines filled, 3 failed", result.Error);
        Assert.AreEqual(1, AsarmCommand.Run("infill", "A <mask> day.", "--samples", "3", "--model", model.Path).ExitCode, "Each is reported.");
        AsarmCommand.Run("infill", "A <mask> day.", "--samples", "3", "--json", "--model", model.Path).IsBadInput("NaN or infinite logits");
    }

    private static byte[] Keep(byte[] content, int length) => length < 0 ? content[..^-length] : content[..length];
}
