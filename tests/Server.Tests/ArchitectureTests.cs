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
        ["Fields", "Configuration", "Telemetry", "Models", "Security", "Page", "Requests", "Completions", "LlamaCpp", "Ollama", "Infilling", ""]));

    /// <summary>Of packages the server has AsArm's own and OpenTelemetry's, and only those of OpenTelemetry that it was decided for (docs/decisions/0039).</summary>
    [TestMethod]
    public void Server_References_ItsPackagesOnly()
    {
        string[] packages = [.. typeof(AsArmServer).Assembly.GetReferencedAssemblies().Select(name => name.Name!)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal) && !name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) && !name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal))];
        string[] allowed =
        [
            "AsArm.Assd", "AsArm.Inference", "Microsoft.ML.Tokenizers", "OpenTelemetry", "OpenTelemetry.Api", "OpenTelemetry.Api.ProviderBuilderExtensions",
            "OpenTelemetry.Exporter.OpenTelemetryProtocol", "OpenTelemetry.Exporter.Prometheus.AspNetCore", "OpenTelemetry.Extensions.Hosting", "OpenTelemetry.Instrumentation.AspNetCore",
        ];
        Assert.IsEmpty(packages.Except(allowed).ToArray());
        Assert.Contains("OpenTelemetry.Exporter.OpenTelemetryProtocol", packages);
    }

    /// <summary>It reads requests, calls the library, and writes answers: no tensors, no ONNX, no console.</summary>
    [TestMethod]
    public void Server_References_NoTensorAndNoOnnx()
    {
        string[] references = [.. typeof(AsArmServer).Assembly.GetReferencedAssemblies().Select(name => name.Name!)];
        Assert.Contains("AsArm.Inference", references);
        Assert.IsEmpty(references.Intersect(["asarm", "System.CommandLine", "Spectre.Console", "System.Numerics.Tensors", "Microsoft.ML.OnnxRuntime"]));
    }
}
