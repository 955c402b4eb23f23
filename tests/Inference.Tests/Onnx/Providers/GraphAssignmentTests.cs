using AsArm.Inference.Onnx.Providers;

namespace AsArm.Inference.Tests.Onnx.Providers;

/// <summary>Which assignments of nodes to execution providers count as run by the device.</summary>
[TestClass]
public sealed class GraphAssignmentTests
{
    private const string Cuda = "CUDAExecutionProvider", TensorRT = "TensorrtExecutionProvider", Cpu = "CPUExecutionProvider";

    private static readonly Dictionary<string, bool> s_floats = new()
    {
        ["content"] = false,
        ["scores.shape"] = false,
        ["embeddings.tokens"] = true,
        ["layer.0.attention.query"] = true,
        ["layer.0.attention.weights"] = true,
    };

    private static readonly AssignedNode[] s_good =
    [
        new("content", "Shape", Cpu), new("scores.shape", "Concat", Cpu),
        new("embeddings.tokens", "Gather", Cuda), new("layer.0.attention.query", "MatMul", Cuda), new("layer.0.attention.weights", "Softmax", Cuda),
    ];

    [TestMethod]
    public void Refusal_ShapesOnTheCpu_AreFine()
    {
        Assert.IsNull(GraphAssignment.Refusal(s_good, [Cuda], s_floats));
        Assert.IsNull(GraphAssignment.Refusal([.. s_good, new("layer.0.fused", "TRTKernel", TensorRT)], [TensorRT, Cuda], s_floats));
        Assert.IsNull(GraphAssignment.Refusal([.. s_good, new("made by an optimisation", "Shape", Cpu)], [Cuda], s_floats));
    }

    [TestMethod]
    [DataRow(2, "embeddings.tokens (Gather) would run on CPUExecutionProvider")]
    [DataRow(3, "layer.0.attention.query (MatMul) would run on CPUExecutionProvider")]
    [DataRow(4, "layer.0.attention.weights (Softmax) would run on CPUExecutionProvider")]
    public void Refusal_FloatsOnTheCpu_NamesTheNode(int node, string reason)
    {
        AssignedNode[] nodes = [.. s_good];
        nodes[node] = nodes[node] with { Provider = Cpu };
        Assert.AreEqual(reason, GraphAssignment.Refusal(nodes, [Cuda], s_floats));
    }

    [TestMethod]
    public void Refusal_SeveralNodes_AreCounted()
    {
        AssignedNode[] all = [.. s_good.Select(node => node with { Provider = Cpu })];
        Assert.AreEqual("embeddings.tokens (Gather) and 2 other nodes would run on CPUExecutionProvider", GraphAssignment.Refusal(all, [Cuda], s_floats));
        all[2] = s_good[2];
        Assert.AreEqual("layer.0.attention.query (MatMul) and another node would run on CPUExecutionProvider", GraphAssignment.Refusal(all, [Cuda], s_floats));
    }

    /// <summary>A node that no file names may compute anything.</summary>
    [TestMethod]
    public void Refusal_UnknownNodeOnTheCpu_IsRefused()
    {
        foreach (string name in new[] { "MemcpyToHost", "MatMul", "Gather" })
            Assert.AreEqual($"new ({name}) would run on CPUExecutionProvider", GraphAssignment.Refusal([.. s_good, new("new", name, Cpu)], [Cuda], s_floats));
    }

    [TestMethod]
    public void Refusal_OtherProviders_AreRefusedForIntegersToo()
    {
        AssignedNode[] nodes = [.. s_good];
        nodes[1] = nodes[1] with { Provider = TensorRT };
        Assert.AreEqual("scores.shape (Concat) would run on TensorrtExecutionProvider", GraphAssignment.Refusal(nodes, [Cuda], s_floats));
        Assert.IsNull(GraphAssignment.Refusal(nodes, [TensorRT, Cuda], s_floats));
    }

    [TestMethod]
    public void Refusal_NothingOnTheDevice_IsRefused()
    {
        Assert.AreEqual("no node would run on CUDAExecutionProvider", GraphAssignment.Refusal(s_good[..2], [Cuda], s_floats));
        Assert.IsNotNull(GraphAssignment.Refusal([], [Cuda], s_floats));
    }
}
