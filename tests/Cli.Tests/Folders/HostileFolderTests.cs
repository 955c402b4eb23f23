using System.Diagnostics;
using System.Text.Json.Nodes;
using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Folders;

/// <summary>
/// What a folder must not be able to do, whatever it holds: it is refused in one line, at once and for little memory.
/// tests/Hostile does the same with thousands of random damages.
/// </summary>
[TestClass]
public sealed class HostileFolderTests
{
    /// <summary>The file of the folder, the command that would read it, and whether it runs as a process: those behind different ways of reading.</summary>
    public static IEnumerable<(string File, string[] Command, bool AsProcess)> Files =>
    [
        ("asarm.json", ["info"], true),
        ("config.json", ["info"], false),
        ("model.onnx", ["info"], false),
        ("model_cached.onnx", ["infill", "A <mask> day."], false),
        ("model.onnx_data", ["info"], true),
        ("golden.safetensors", ["verify"], false),
        ("spiece.model", ["infill", "A <mask> day."], false),
        ("ngrams.bin", ["infill", "A <mask> day."], false),
    ];

    /// <summary>A pipe that nobody writes to would be waited for; a device never ends.</summary>
    [TestMethod]
    [DynamicData(nameof(Files))]
    public void Command_FileThatIsNotRegular_IsRefused(string file, string[] command, bool asProcess)
    {
        using var model = new ModelCopy(Models.Default);
        string[] arguments = [.. command, "--model", model.Path];
        string path = model.In(file);
        File.Delete(path);
        using (Process pipe = Process.Start("mkfifo", [path]))
            pipe.WaitForExit();
        Run().IsBadInput(file);
        File.Delete(path);
        Directory.CreateDirectory(path);
        Run().IsBadInput(file, "folder");
        Directory.Delete(path);
        File.CreateSymbolicLink(path, "/dev/zero");
        Run().IsBadInput(file);
        File.Delete(path);
        File.CreateSymbolicLink(path, file);
        Run().IsBadInput(file);

        AsarmResult Run() => asProcess ? AsarmCommand.RunAsProcess(arguments) : AsarmCommand.Run(arguments);
    }

    /// <summary>With --golden too, where the size is not known in advance.</summary>
    [TestMethod]
    public void Verify_GoldenThatIsNotAFile_IsRefused()
    {
        AsarmCommand.RunAsProcess("verify", "--model", Models.Tiny, "--golden", "/dev/zero").IsBadInput("/dev/zero");
        using var folder = new TemporaryFolder();
        using (FileStream huge = File.Create(folder.In("huge")))
            huge.SetLength(1L << 33);
        AsarmCommand.RunAsProcess("verify", "--model", Models.Tiny, "--golden", folder.In("huge")).IsBadInput("huge", "more than");
    }

    [TestMethod]
    [DataRow("layers", "50000000", "layers")]
    [DataRow("layers", "257", "layers")]
    [DataRow("heads", "2147483647", "heads")]
    [DataRow("vocabulary_size", "2147483647", "vocabulary_size")]
    [DataRow("vocabulary_size", "1048577", "vocabulary_size")]
    [DataRow("maximum_length", "1000001", "maximum_length")]
    [DataRow("model_dimension", "65540", "model_dimension")]
    [DataRow("block", "2147483647", "block")]
    [DataRow("precision", "\"bfloat16\"", "precision")]
    [DataRow("precision", "\"Int8\"", "precision")]
    public void Info_NumberBeyondItsBound_IsNamed(string field, string json, string named)
    {
        using var model = new ModelCopy(Models.Tiny);
        model.EditManifest(manifest => manifest[field] = JsonNode.Parse(json));
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput("asarm.json", named);
    }

    /// <summary>Each number is within its bound, all together are not.</summary>
    [TestMethod]
    public void Info_NumbersThatAskForTooMuchTogether_AreNamed()
    {
        using var model = new ModelCopy(Models.Tiny);
        model.EditManifest(manifest => (manifest["maximum_length"], manifest["vocabulary_size"]) = (1_000_000, 1_000_000));
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput("maximum_length times vocabulary_size");
        model.EditManifest(manifest => (manifest["vocabulary_size"], manifest["layers"], manifest["model_dimension"]) = (64, 256, 4096));
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput("maximum_length", "layers", "model_dimension");
    }

    /// <summary>A hole of a file: nothing of it is read, as its size is known before.</summary>
    [TestMethod]
    [DataRow("asarm.json")]
    [DataRow("spiece.model")]
    [DataRow("ngrams.bin")]
    [DataRow("golden.safetensors")]
    [DataRow("config.json")]
    public void Info_FileBeyondItsBound_IsNamed(string file)
    {
        using var model = new ModelCopy(Models.Default);
        if (file != "asarm.json")
            model.EditManifest(manifest => manifest["files"]![file]!["bytes"] = 1L << 40);
        using (FileStream stream = File.OpenWrite(model.In(file)))
            stream.SetLength(1L << 40);
        AsarmCommand.Run("info", "--model", model.Path).IsBadInput(file, "more than");
    }

    /// <summary>A few characters would become hundreds of megabytes.</summary>
    [TestMethod]
    public void Infill_CharacterMapOfManyMegabytes_IsRefused()
    {
        using var model = new ModelCopy(Models.Text);
        model.Replace("spiece.model", content => SentencePieceBytes.WithLongReplacements(content, 20_000_000));
        AsarmCommand.Run("infill", "A <mask> day.", "--model", model.Path).IsBadInput("spiece.model", "more than");
        model.Replace("spiece.model", content => SentencePieceBytes.WithLongReplacements(content, 100_000));
        AsarmCommand.Run("infill", "A <mask> day.", "--model", model.Path).IsBadInput("spiece.model", "character map", "replacement");
    }
}
