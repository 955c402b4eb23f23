using AsArm.Inference.Onnx.Providers;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Sessions;

/// <summary>What graphs compute with, and where ONNX Runtime says that it runs them. On the CPU everything is on the CPU, which is what a GPU session must not be.</summary>
[TestClass]
public sealed class GraphDescriptionTests
{
    private const string Cuda = "CUDAExecutionProvider";

    /// <summary>The exporter computes shapes and integers before the first layer, and float numbers in all layers.</summary>
    [TestMethod]
    [DynamicData(nameof(Graphs))]
    public void Floats_OfAGraph_AreTheLayersAndNotTheShapes(string path)
    {
        GraphDescription graph = GraphDescription.Read(File.ReadAllBytes(path));
        Assert.IsGreaterThan(50, graph.Floats.Count);
        foreach ((string name, bool isFloat) in graph.Floats)
        {
            if (name.StartsWith("layer.", StringComparison.Ordinal))
                Assert.IsTrue(isFloat, name);
        }

        foreach (string name in new[] { "embeddings.tokens", "embeddings.rows", "output.flat", "embeddings.targets" })
            Assert.IsTrue(graph.Floats[name], name);
        foreach (string name in new[] { "batch", "scores.shape", "positions.all", "embeddings.targets.shape", "output.shape", "output.batch" })
            Assert.IsFalse(graph.Floats[name], name);
    }

    /// <summary>Dimensions as the exporter names them.</summary>
    [TestMethod]
    public void Inputs_OfTheCachedGraph_HaveNamesAndDimensions()
    {
        GraphDescription graph = GraphDescription.Read(File.ReadAllBytes(Path.Combine(Files.InFormat(3), "model_cached.onnx")));
        using var session = new InferenceSession(Path.Combine(Files.InFormat(3), "model_cached.onnx"));
        CollectionAssert.AreEquivalent(session.InputNames.ToArray(), graph.Inputs.Select(input => input.Name).ToArray());
        CollectionAssert.AreEqual(new[] { "batch", "content" }, graph.Inputs.Single(input => input.Name == "input_ids").Dimensions.ToArray());
        CollectionAssert.AreEqual(new[] { "batch", "4", "past", "8" }, graph.Inputs.Single(input => input.Name == "past_key_values.2.value").Dimensions.ToArray());
    }

    /// <summary>A session of the CPU is refused as one of CUDA; with its float nodes on CUDA it is not.</summary>
    [TestMethod]
    [DynamicData(nameof(Graphs))]
    public void Refusal_SessionOnTheCpu_IsRefusedForCuda(string path)
    {
        GraphDescription graph = GraphDescription.Read(File.ReadAllBytes(path));
        using InferenceSession session = Open(path, records: true);
        IReadOnlyList<AssignedNode> nodes = AssignmentReader.Read(session);
        Assert.IsGreaterThan(50, nodes.Count);
        Assert.IsTrue(nodes.All(node => node.Provider == "CPUExecutionProvider"));
        Assert.IsNull(OnnxSession.Refusal(session, ["CPUExecutionProvider"], graph));
        string reason = OnnxSession.Refusal(session, [Cuda], graph)!;
        StringAssert.Contains(reason, "would run on CPUExecutionProvider");
        bool IsFloat(AssignedNode node) => graph.Floats.GetValueOrDefault(node.Name, defaultValue: true); // without a name where the CPU has no float16 kernel
        int floats = nodes.Count(IsFloat);
        StringAssert.Contains(reason, $"and {floats - 1} other nodes");
        Assert.IsNull(GraphAssignment.Refusal([.. nodes.Select(node => IsFloat(node) ? node with { Provider = Cuda } : node)], [Cuda], graph.Floats));
    }

    [TestMethod]
    public void Read_SessionWithoutTheRecord_CannotTell()
    {
        string path = Path.Combine(Files.Tiny, "model.onnx");
        using InferenceSession session = Open(path, records: false);
        Assert.ThrowsExactly<NotSupportedException>(() => AssignmentReader.Read(session));
        StringAssert.StartsWith(OnnxSession.Refusal(session, [Cuda], GraphDescription.Read(File.ReadAllBytes(path))), "it cannot be seen which nodes it runs (");
    }

    /// <summary>Graphs of PyTorch's exporter, with other operators and names.</summary>
    [TestMethod]
    public void Floats_OfATracedGraph_AreItsProductsAndNotItsShapes()
    {
        string path = Path.Combine(Files.InFormat(1), "model_cached.onnx");
        GraphDescription graph = GraphDescription.Read(File.ReadAllBytes(path));
        using InferenceSession session = Open(path, records: true);
        foreach (AssignedNode node in AssignmentReader.Read(session).Where(node => graph.Floats.ContainsKey(node.Name)))
        {
            if (node.Operator is "MatMul" or "Softmax" or "LayerNormalization" or "Erf" or "Exp" or "Div" or "GatherElements")
                Assert.IsTrue(graph.Floats[node.Name], node.Name);
            if (node.Operator is "Shape" or "Less" or "Range")
                Assert.IsFalse(graph.Floats[node.Name], node.Name);
        }

        Assert.IsFalse(graph.Floats["/ConstantOfShape"], "Zeros of int64.");
        Assert.IsTrue(graph.Floats["/ConstantOfShape_1"], "Zeros of float.");
    }

    public static IEnumerable<string> Graphs() =>
    [
        Path.Combine(Files.Tiny, "model.onnx"),
        Path.Combine(Files.Tiny, "model_cached.onnx"),
        Path.Combine(Files.Default, "model_float32.onnx"),
        Path.Combine(Files.Default, "model_cached_float32.onnx"),
        Path.Combine(Files.InPrecision("float16"), "model_cached.onnx"),
    ];

    private static InferenceSession Open(string path, bool records)
    {
        using var options = new SessionOptions();
        if (records)
            options.AddSessionConfigEntry(AssignmentReader.SessionEntry, "1");
        return new InferenceSession(path, options);
    }
}
