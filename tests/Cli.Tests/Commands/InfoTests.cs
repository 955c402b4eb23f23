using System.Text.Json.Nodes;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>asarm info.</summary>
[TestClass]
public sealed class InfoTests
{
    [TestMethod]
    public void Info_Int4_TellsItsBlock()
    {
        using var model = new ModelCopy(Models.InPrecision("int4"));
        Assert.Contains("int4, a group scale for every 32 weights", AsarmCommand.Run("info", "--model", model.Path).Done().Output);
        model.EditManifest(manifest => manifest["block"] = 0);
        AsarmCommand.Run("verify", "--model", model.Path).IsBadInput("block");
    }

    [TestMethod]
    [DataRow(1, "[batch, content, 4, 8]")]
    [DataRow(3, "[batch, 4, past, 8]")]
    public void Info_TinyModel_ListsFilesInputsOutputsAndDevices(int format, string present)
    {
        AsarmResult result = AsarmCommand.Run("info", "--model", Models.InFormat(format)).Done();
        Assert.AreEqual("", result.Error);
        string[] inputs = ["input_ids", "order", "prompt_mask", "target_positions", "target_horizons", "content_positions", "content_horizons", "past_ranks", .. format == 1 ? ["content_ranks"] : Array.Empty<string>()];
        foreach (string name in inputs)
            Assert.Contains(line => line.Contains("input ") && line.Contains($" {name} ") && line.Contains("int64"), result.OutputLines, name);
        Assert.Contains(line => line.Contains("output ") && line.Contains(" logits ") && line.Contains("float"), result.OutputLines);
        for (int layer = 0; layer < 3; layer++)
        {
            foreach (string kind in new[] { "key", "value" })
            {
                Assert.Contains(line => line.Contains($" past_key_values.{layer}.{kind} ") && line.Contains("[batch, 4, past, 8]"), result.OutputLines);
                Assert.Contains(line => line.Contains($" present.{layer}.{kind} ") && line.Contains(present), result.OutputLines);
            }
        }

        Assert.Contains("768 bytes per token", result.Output);
        JsonObject files = JsonNode.Parse(File.ReadAllText(Path.Combine(Models.InFormat(format), "asarm.json")))!["files"]!.AsObject();
        foreach ((string file, JsonNode? entry) in files)
            Assert.Contains(line => line.Contains(file) && line.Contains((string)entry!["sha256"]!), result.OutputLines, file);
        Assert.Contains(line => line.Contains("devices") && line.Contains("cpu"), result.OutputLines);
        Assert.Contains("no tokenizer", result.Output);
        Assert.Contains("64 tokens", result.Output);
    }

    [TestMethod]
    public void Info_DefaultModel_IsShownWithItsTokenizer()
    {
        AsarmResult result = AsarmCommand.Run("info").Done();
        Assert.Contains(Models.DefaultName, result.Output);
        Assert.Contains("SentencePiece", result.Output);
    }
}
