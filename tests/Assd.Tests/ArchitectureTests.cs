using AsArm.Assd.Ordering;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests;

/// <summary>Folders of src/Assd depend on earlier ones only.</summary>
[TestClass]
public sealed class ArchitectureTests
{
    private static readonly string[] s_folders = ["", "Randomness", "Ordering", "Models", "Distributions", "Ngrams", "DraftHeads", "Constraints", "Planning", "Samplers", "Samplers.Fused"];

    [TestMethod]
    public void Folders_OfAssd_UseEarlierOnesOnly() => Assert.IsEmpty(Violations(s_folders));

    /// <summary>Control: two folders change places.</summary>
    [TestMethod]
    public void Folders_InAnotherOrder_AreCaught() =>
        Assert.Contains("AsArm.Assd.Distributions.LogitsProcessor -> AsArm.Assd.Models", Violations(["", "Randomness", "Ordering", "Distributions", "Models", .. s_folders[5..]]));

    /// <summary>Control: a folder that the order does not name.</summary>
    [TestMethod]
    public void Folders_WithoutAPlace_AreCaught() =>
        Assert.Contains("AsArm.Assd.Samplers.Fused.FusedSampler -> no place in the order", Violations(s_folders[..^1]));

    private static IReadOnlyList<string> Violations(string[] folders) => FolderOrder.Violations(typeof(Order).Assembly.Location, "AsArm.Assd", folders);
}
