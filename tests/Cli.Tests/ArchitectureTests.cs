using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests;

/// <summary>Folders of src/Cli and src/Benchmarks depend on earlier ones only.</summary>
[TestClass]
public sealed class ArchitectureTests
{
    [TestMethod]
    public void Folders_OfTheCommand_UseEarlierOnesOnly() =>
        Assert.IsEmpty(FolderOrder.Violations(AsarmCommand.Assembly, "AsArm.Cli", ["Streams", "Options", "Output", "Lines", "Bench", "Commands", ""]));

    [TestMethod]
    public void Folders_OfBenchmarks_UseEarlierOnesOnly() => Assert.IsEmpty(
        FolderOrder.Violations(Path.Combine(AppContext.BaseDirectory, "AsArm.Benchmarks.dll"), "AsArm.Benchmarks", ["Statistics", "Texts", "Samplers", "Tables"]));
}
