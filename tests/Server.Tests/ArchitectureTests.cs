using AsArm.Assd.Tests.Support;

namespace AsArm.Server.Tests;

/// <summary>Folders of src/Server depend on earlier ones only.</summary>
[TestClass]
public sealed class ArchitectureTests
{
    [TestMethod]
    public void Folders_OfTheServer_UseEarlierOnesOnly() => Assert.IsEmpty(FolderOrder.Violations(
        typeof(AsArmServer).Assembly.Location,
        "AsArm.Server",
        ["Fields", "Configuration", "Models", "Security", "Page", "Requests", "Completions", "LlamaCpp", "Ollama", "Infilling", ""]));

    /// <summary>It reads requests, calls the library, and writes answers: no tensors, no ONNX, no console.</summary>
    [TestMethod]
    public void Server_References_NoTensorAndNoOnnx()
    {
        string[] references = [.. typeof(AsArmServer).Assembly.GetReferencedAssemblies().Select(name => name.Name!)];
        Assert.Contains("AsArm.Inference", references);
        Assert.IsEmpty(references.Intersect(["asarm", "System.CommandLine", "Spectre.Console", "System.Numerics.Tensors", "Microsoft.ML.OnnxRuntime"]));
    }
}
