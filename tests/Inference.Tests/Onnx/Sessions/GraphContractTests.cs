using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.ModelFolders;
using AsArm.Inference.Tests.Support;
using Google.Protobuf;

namespace AsArm.Inference.Tests.Onnx.Sessions;

/// <summary>Which graphs a format of model folders accepts as model_cached.onnx.</summary>
[TestClass]
public sealed class GraphContractTests
{
    private const string Cached = "model_cached.onnx", States = "target_states";

    [TestMethod]
    [DataRow(1, false)]
    [DataRow(3, true)]
    public void Open_Format_HasItsInputsAndOutputs(int format, bool inPlace)
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Files.InFormat(format)));
        Assert.AreEqual(!inPlace, model.Ports.Any(port => port.Name == "content_ranks"));
        Assert.AreEqual(inPlace ? "[batch, 4, past, 8]" : "[batch, content, 4, 8]", model.Ports.Single(port => port.Name == "present.2.value").Shape);
    }

    /// <summary>The states of the targets are an output for other callers.</summary>
    [TestMethod]
    public void Open_WithoutTargetStates_IsAccepted()
    {
        using var folder = new TemporaryFolder(Files.InFormat(3));
        using (CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(folder.Path)))
            Assert.AreEqual("[batch, targets, 32]", model.Ports.Single(port => port.Name == States).Shape);
        ManifestText.ReplaceFile(folder, Cached, WithoutOutput(File.ReadAllBytes(folder.In(Cached)), States));
        using (CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(folder.Path)))
            Assert.IsFalse(model.Ports.Any(port => port.Name == States));
        ManifestText.ReplaceFile(folder, Cached, WithoutOutput(File.ReadAllBytes(folder.In(Cached)), "present.1.key"));
        AssertRefused(folder, "other outputs", "present.1.key");
    }

    /// <summary>Formats with the graph of another one; the contract says which input is missing.</summary>
    [TestMethod]
    [DataRow(1, 3)]
    [DataRow(3, 1)]
    public void Open_GraphOfAnotherFormat_IsRefused(int format, int graph)
    {
        using var folder = new TemporaryFolder(Files.InFormat(format));
        ManifestText.ReplaceFile(folder, Cached, File.ReadAllBytes(Path.Combine(Files.InFormat(graph), Cached)));
        ManifestText.ReplaceFile(folder, "model.onnx_data", File.ReadAllBytes(Path.Combine(Files.InFormat(graph), "model.onnx_data")));
        AssertRefused(folder, "other inputs", format == 1 ? "content_ranks" : "input_ids");
    }

    /// <summary>Keys and values of a float16 graph are float16 from format 3 on.</summary>
    [TestMethod]
    public void Open_Float16WithAFloat32Cache_IsRefused()
    {
        using var folder = new TemporaryFolder(Files.InFormat(3));
        ManifestText.Edit(folder, manifest => manifest["precision"] = "float16");
        AssertRefused(folder, "other inputs", "past_key_values.0.key: float16 [dynamic, 4, dynamic, 8]");
    }

    private static void AssertRefused(TemporaryFolder folder, params string[] parts)
    {
        ModelFolder opened = ModelFolder.Open(folder.Path);
        string message = Assert.ThrowsExactly<ModelFolderException>(() => OnnxModelLoader.Open(opened)).Message;
        foreach (string part in parts)
            StringAssert.Contains(message, part);
    }

    /// <summary>An ONNX file (onnx.proto) without an output of its graph.</summary>
    private static byte[] WithoutOutput(byte[] model, string name) =>
        Rewrite(model, (field, content) => field == 7 ? Rewrite(content, (inner, output) => inner == 12 && HasName(output, name) ? null : output) : content);

    private static bool HasName(byte[] valueInfo, string name) => valueInfo.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(name)) is 2;

    private static byte[] Rewrite(byte[] message, Func<int, byte[], byte[]?> change)
    {
        using var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream, leaveOpen: true);
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            if (!reader.IsMessage)
            {
                output.Flush();
                stream.Write(reader.FieldBytes);
            }
            else if (change(reader.Field, reader.Content.ToArray()) is byte[] changed)
            {
                output.WriteTag(reader.Field, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(changed));
            }
        }

        output.Flush();
        return stream.ToArray();
    }
}
