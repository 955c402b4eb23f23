using System.Reflection;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests;

/// <summary>Dependencies run one way, read off the compiled assemblies.</summary>
[TestClass]
public sealed class DependencyTests
{
    private static readonly string[] _forbiddenToInference = ["asarm", "Spectre.Console", "Spectre.Console.Ansi", "System.CommandLine", "System.Console"];

    [TestMethod]
    public void Cli_References_NoTensorAndNoOnnx()
    {
        string[] references = ReferencesOf(AsarmCommand.Assembly);
        CollectionAssert.IsSubsetOf(new[] { "AsArm.Assd", "AsArm.Inference", "System.CommandLine" }, references);
        Assert.DoesNotContain("System.Numerics.Tensors", references);
        Assert.DoesNotContain(name => name.StartsWith("Microsoft.ML", StringComparison.Ordinal), references);
    }

    [TestMethod]
    public void Benchmarks_References_NoConsoleAndNoCommand() =>
        Assert.IsEmpty(ReferencesOf(Path.Combine(AppContext.BaseDirectory, "AsArm.Benchmarks.dll")).Intersect(_forbiddenToInference));

    [TestMethod]
    public void Inference_References_NoConsoleAndNoCommand()
    {
        string[] references = ReferencesOf(Path.Combine(AppContext.BaseDirectory, "AsArm.Inference.dll"));
        Assert.Contains("AsArm.Assd", references);
        Assert.IsEmpty(references.Intersect(_forbiddenToInference));
    }

    [TestMethod]
    public void Assd_References_NeitherOfThem() =>
        Assert.IsEmpty(ReferencesOf(Path.Combine(AppContext.BaseDirectory, "AsArm.Assd.dll")).Intersect([.. _forbiddenToInference, "AsArm.Inference"]));

    /// <summary>Exporters of metrics and traces are the command's alone: applications choose their own.</summary>
    [TestMethod]
    public void Libraries_References_NoOpenTelemetry()
    {
        foreach (string library in new[] { "AsArm.Assd.dll", "AsArm.Inference.dll", "AsArm.Benchmarks.dll" })
            Assert.DoesNotContain(name => name.StartsWith("OpenTelemetry", StringComparison.Ordinal), ReferencesOf(Path.Combine(AppContext.BaseDirectory, library)));
    }

    private static string[] ReferencesOf(string path) => [.. Assembly.LoadFrom(path).GetReferencedAssemblies().Select(name => name.Name!)];
}
