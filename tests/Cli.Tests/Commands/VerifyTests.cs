using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>asarm verify, also on a folder without a tokenizer.</summary>
[TestClass]
public sealed class VerifyTests
{
    private static readonly string _tinyGolden = Path.Combine(Models.Tiny, "golden.safetensors");

    [TestMethod]
    public void Verify_TinyModel_Passes()
    {
        AsarmResult result = AsarmCommand.Run("verify", "--model", Models.Tiny).Done();
        foreach (string graph in new[] { "model.onnx", "model_cached.onnx" })
            Assert.Contains(line => line.Contains($" {graph} ") && line.Contains("passed"), result.OutputLines, graph);
        Assert.AreEqual("", result.Error);
    }

    [TestMethod]
    public void Verify_DefaultModel_PassesWithoutNamingIt() => Assert.Contains("passed", AsarmCommand.Run("verify").Done().Output);

    /// <summary>Without options the limits are those of the precision: of a logit in float32, of distributions in a rounded one.</summary>
    [TestMethod]
    [DataRow("float32", "1.0e-4")]
    [DataRow("float16", "1.0e-4 │ 1.0e-3 │ 2.0e-2 │ 1.0e-4")]
    [DataRow("int8", "2.0e-2 │ 2.0e-1 │ 2.5e-1 │ 5.0e-3")]
    [DataRow("int4", "1.2e-1 │ 1.0e0 │ 6.0e-1 │ 6.0e-2")]
    public void Verify_LimitsNotGiven_FollowThePrecision(string precision, string expected)
    {
        AsarmResult result = AsarmCommand.Run("verify", "--model", precision == "float32" ? Models.Tiny : Models.InPrecision(precision)).Done();
        string limits = result.OutputLines.Single(line => line.Contains(" limits "));
        string[] numbers = [.. limits.Split('│', StringSplitOptions.TrimEntries).Where(cell => cell.Contains('e'))];
        Assert.AreEqual(expected, string.Join(" │ ", numbers));
        Assert.HasCount(2, result.OutputLines.Where(line => line.Contains($" {precision} ") && line.Contains(" passed ")));
    }

    /// <summary>Every limit is checked on its own.</summary>
    [TestMethod]
    [DataRow("--tolerance", "is off by")]
    [DataRow("--mean-kl", "mean KL divergence")]
    [DataRow("--worst-kl", "a distribution with a KL divergence")]
    [DataRow("--worst-variation", "total variation")]
    [DataRow("--relative-kl", "relative KL divergence")]
    public void Verify_LimitBelowWhatIsThere_FailsAndSaysWhich(string option, string message)
    {
        AsarmResult result = AsarmCommand.Run("verify", "--model", Models.InPrecision("int8"), option, "1e-9");
        IsRefuted(result);
        foreach (string line in result.ErrorLines)
            Assert.Contains(message, line);
    }

    /// <summary>A looser tolerance would let a damaged float32 network pass: the graph says what it is.</summary>
    [TestMethod]
    [DataRow("float16")]
    [DataRow("int8")]
    [DataRow("int4")]
    public void Verify_Float32FolderThatClaimsAnotherPrecision_IsRefused(string precision)
    {
        using var model = new ModelCopy(Models.Tiny);
        model.EditManifest(manifest => (manifest["precision"], manifest["block"]) = (precision, 32));
        AsarmCommand.Run("verify", "--model", model.Path).IsBadInput("asarm.json", "precision", precision);
    }

    /// <summary>The committed model is int8, with graphs for GPUs beside those for CPUs.</summary>
    [TestMethod]
    public void Verify_DefaultModel_ReplaysTheGraphsForGpusToo()
    {
        AsarmResult result = AsarmCommand.Run("verify").Done();
        foreach (string graph in new[] { "model.onnx", "model_cached.onnx", "model_float32.onnx", "model_cached_float32.onnx" })
            Assert.Contains(line => line.Contains($" {graph} ") && line.Contains("passed"), result.OutputLines, graph);
    }

    /// <summary>Controls: weights that shrink or vanish.</summary>
    [TestMethod]
    [DataRow("int4", 0f)]
    [DataRow("int4", 0.01f)]
    [DataRow("int4", 0.5f)]
    [DataRow("int8", 0f)]
    [DataRow("int8", 0.9f)]
    [DataRow("int8", 1.05f)]
    [DataRow(null, 0f)]
    [DataRow(null, 0.9f)]
    [DataRow(null, 0.95f)]
    [DataRow(null, 1.05f)]
    public void Verify_ShrunkScales_Fail(string? precision, float factor)
    {
        using var model = new ModelCopy(precision is null ? Models.Default : Models.InPrecision(precision));
        OnnxBytes.ChangeAll(model, ".scales", bytes =>
        {
            foreach (ref float scale in MemoryMarshal.Cast<byte, float>(bytes.Span))
                scale *= factor;
        });
        IsRefuted(AsarmCommand.Run("verify", "--model", model.Path), graphs: precision is null ? 4 : 2);
    }

    /// <summary>Control on the committed model: the halves of every matrix of integers swapped.</summary>
    [TestMethod]
    public void Verify_DefaultModelWithSwappedHalves_Fails()
    {
        using var model = new ModelCopy(Models.Default);
        OnnxBytes.ChangeAll(model, ".int8", bytes =>
        {
            Span<byte> all = bytes.Span;
            byte[] first = [.. all[..(all.Length / 2)]];
            all[(all.Length / 2)..].CopyTo(all);
            first.CopyTo(all[(all.Length - first.Length)..]);
        });
        IsRefuted(AsarmCommand.Run("verify", "--model", model.Path), graphs: 4);
    }

    [TestMethod]
    public void Verify_SwappedNibbles_Fail()
    {
        using var model = new ModelCopy(Models.InPrecision("int4"));
        OnnxBytes.ChangeAll(model, ".int4", bytes =>
        {
            foreach (ref byte pair in bytes.Span)
                pair = byte.RotateLeft(pair, 4);
        });
        IsRefuted(AsarmCommand.Run("verify", "--model", model.Path));
    }

    /// <summary>An export cannot be taken for one of a precision that may be further off.</summary>
    [TestMethod]
    [DataRow("int8", "int4")]
    [DataRow("float16", "int8")]
    [DataRow("int4", "float32")]
    public void Verify_AnotherPrecisionThanTheGraphSays_IsRefused(string precision, string claimed)
    {
        using var model = new ModelCopy(Models.InPrecision(precision));
        model.EditManifest(manifest => manifest["precision"] = claimed);
        AsarmCommand.Run("verify", "--model", model.Path).IsBadInput($"precision {claimed}", $"made with {precision}");
    }

    [TestMethod]
    public void Verify_GoldenFileByName_IsReplayed() =>
        Assert.Contains("passed", AsarmCommand.Run("verify", "--model", Models.Tiny, "--golden", _tinyGolden, "--tolerance", "1e-3").Done().Output);

    /// <summary>Two programs never agree to the last bit.</summary>
    [TestMethod]
    public void Verify_ToleranceOfZero_Fails() => IsRefuted(AsarmCommand.Run("verify", "--model", Models.Tiny, "--tolerance", "0"));

    [TestMethod]
    [DataRow("model.onnx")]
    [DataRow("model_cached.onnx")]
    public void Verify_OneGraphOff_FailsAndNamesIt(string graph)
    {
        using var model = new ModelCopy(Models.Tiny);
        OnnxBytes.FillOutputBias(model, 0.5f, graph);
        AsarmResult result = AsarmCommand.Run("verify", "--model", model.Path);
        Assert.AreEqual(1, result.ExitCode);
        Assert.Contains(line => line.Contains($" {graph} ") && line.Contains("failed"), result.OutputLines);
        Assert.Contains("passed", result.Output);
        Assert.Contains(graph + " is off", result.ErrorLines.Single());
    }

    [TestMethod]
    public void Verify_GoldenFileOfAnotherModel_Fails()
    {
        using var model = new ModelCopy(Models.Tiny);
        OnnxBytes.FillOutputBias(model, 0.5f, "model.onnx", "model_cached.onnx");
        IsRefuted(AsarmCommand.Run("verify", "--model", model.Path, "--golden", _tinyGolden));
        Assert.Contains("passed", AsarmCommand.Run("verify", "--model", model.Path, "--tolerance", "10").Done().Output);
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void Verify_LogitsThatAreNotFinite_FailsWhateverTheTolerance(float bias)
    {
        using var model = new ModelCopy(Models.Tiny);
        OnnxBytes.FillOutputBias(model, bias, "model.onnx", "model_cached.onnx");
        IsRefuted(AsarmCommand.Run("verify", "--model", model.Path, "--tolerance", "1e30"));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(7)]
    [DataRow(100)]
    [DataRow(50_000)]
    public void Verify_TruncatedGolden_IsNamed(int keep)
    {
        using var model = new ModelCopy(Models.Tiny);
        model.Replace("golden.safetensors", content => content[..keep]);
        AsarmCommand.Run("verify", "--model", model.Path).IsBadInput(model.In("golden.safetensors"));
    }

    [TestMethod]
    [DataRow("not json")]
    [DataRow("[]")]
    [DataRow("{}")]
    [DataRow("""{"000.logits": 5}""")]
    [DataRow("""{"000.logits": {"dtype": "F32", "shape": [1, 64], "data_offsets": [0, 256]}}""")]
    public void Verify_GoldenWithABrokenHeader_IsNamed(string header)
    {
        using var folder = new TemporaryFolder();
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        string golden = folder.Write("other.safetensors", [.. length, .. Encoding.UTF8.GetBytes(header), .. new byte[256]]);
        AsarmCommand.Run("verify", "--model", Models.Tiny, "--golden", golden).IsBadInput(golden);
    }

    [TestMethod]
    [DataRow("input_ids", -1L)]
    [DataRow("input_ids", 64L)]
    [DataRow("order", 1L << 40)]
    [DataRow("prompt_mask", 1L << 40)]
    [DataRow("target_positions", 100L)]
    [DataRow("target_positions", -1L)]
    [DataRow("target_horizons", 1L << 40)]
    public void Verify_GoldenWithValuesOutOfRange_NamesFileAndCase(string tensor, long value)
    {
        using var folder = new TemporaryFolder();
        string golden = folder.Write("other.safetensors", WithFirstValue(File.ReadAllBytes(_tinyGolden), "001." + tensor, value));
        AsarmCommand.Run("verify", "--model", Models.Tiny, "--golden", golden).IsBadInput(golden, "case 001", tensor);
    }

    [TestMethod]
    public void Verify_GoldenOfAModelOfAnotherSize_IsNamed()
    {
        string golden = Path.Combine(Models.Default, "golden.safetensors");
        AsarmCommand.Run("verify", "--model", Models.Tiny, "--golden", golden).IsBadInput(golden);
    }

    [TestMethod]
    public void Verify_MissingGolden_IsNamed()
    {
        using var model = new ModelCopy(Models.Tiny);
        AsarmCommand.Run("verify", "--model", model.Path, "--golden", model.In("none")).IsBadInput(model.In("none"));
        File.Delete(model.In("golden.safetensors"));
        model.EditManifest(manifest => manifest["files"]!.AsObject().Remove("golden.safetensors"));
        AsarmCommand.Run("verify", "--model", model.Path).IsBadInput("golden.safetensors", "--golden");
    }

    [TestMethod]
    [DataRow("-1")]
    [DataRow("NaN")]
    [DataRow("0,1")]
    public void Verify_BadTolerance_IsNamed(string tolerance)
    {
        foreach (string option in new[] { "--tolerance", "--mean-kl", "--worst-kl", "--worst-variation", "--relative-kl" })
            AsarmCommand.Run("verify", "--model", Models.Tiny, option, tolerance).IsBadInput(option, $"'{tolerance}'");
    }

    [TestMethod]
    [DataRow("infill", "A <mask> day.")]
    [DataRow("score", "A [[fine]] day.")]
    public void Command_TextForAFolderWithoutATokenizer_IsRefused(string command, string text) =>
        AsarmCommand.Run(command, text, "--model", Models.Tiny).IsBadInput(Models.Tiny, "no tokenizer");

    private static void IsRefuted(AsarmResult result, int graphs = 2)
    {
        Assert.AreEqual(1, result.ExitCode, result.Error);
        Assert.Contains("failed", result.Output);
        Assert.DoesNotContain("passed", result.Output);
        Assert.HasCount(graphs, result.ErrorLines, "One of each graph.");
        foreach (string line in result.ErrorLines)
            Assert.Contains("over ", line);
    }

    /// <summary>A safetensors file with another first value of an int64 tensor.</summary>
    private static byte[] WithFirstValue(byte[] file, string tensor, long value)
    {
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        JsonNode entry = JsonNode.Parse(file.AsSpan(8, header))![tensor]!;
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(8 + header + (int)entry["data_offsets"]![0]!), value);
        return file;
    }
}
