using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Folders;

/// <summary>Without a native package of ONNX Runtime, the error says which ones an application can add.</summary>
[TestClass]
public sealed class NativeLibraryTests
{
    [TestMethod]
    [DataRow("infill", "A <mask> day.")]
    [DataRow("info")]
    [DataRow("verify")]
    public void Command_WithoutTheNativeLibrary_NamesThePackages(params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory).Where(file => Path.GetExtension(file) is ".dll" or ".json"))
            File.Copy(file, folder.In(Path.GetFileName(file)));
        foreach (string library in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "runtimes"), "*", SearchOption.AllDirectories))
        {
            string copy = folder.In(Path.GetRelativePath(AppContext.BaseDirectory, library));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.WriteAllBytes(copy, []); // listed in the application's dependencies, so it has to be there
        }

        AsarmResult result = AsarmCommand.RunCopy(folder.In("asarm.dll"), [.. arguments, "--model", Models.Default]);
        Assert.AreEqual(2, result.ExitCode, result.Error);
        StringAssert.Contains(result.Error, "Microsoft.ML.OnnxRuntime.Gpu");
        Assert.HasCount(1, result.Error.Trim().Split('\n'));
    }
}
