using AsArm.Assd.Tests.Support;
using AsArm.Inference.Infilling;

namespace AsArm.Inference.Tests;

/// <summary>Folders of src/Inference depend on earlier ones only.</summary>
[TestClass]
public sealed class ArchitectureTests
{
    private static readonly string[] s_folders =
    [
        "Devices", "Tokenization", "ModelFolders", "Onnx.Providers", "Onnx.Sessions", "Onnx.DeviceMemory", "Onnx.Stateless", "Onnx.Cached", "Onnx", "Patterns", "Text", "Constraints", "Verification", "Telemetry", "Scheduling", "Gaps", "Infilling", "DraftMeasurement",
    ];

    [TestMethod]
    public void Folders_OfInference_UseEarlierOnesOnly() =>
        Assert.IsEmpty(FolderOrder.Violations(typeof(TextInfiller).Assembly.Location, "AsArm.Inference", s_folders));
}
