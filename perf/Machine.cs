using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Perf;

/// <summary>What a measurement ran on.</summary>
/// <param name="Processor">Its name, or the architecture where the system tells none.</param>
/// <param name="Cores">As .NET counts them.</param>
/// <param name="OperatingSystem">Its own description.</param>
/// <param name="DotNet">Version of .NET.</param>
/// <param name="OnnxRuntime">Version of ONNX Runtime.</param>
internal sealed record Machine(string Processor, int Cores, string OperatingSystem, string DotNet, string OnnxRuntime)
{
    public static Machine Current()
    {
        string? model = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            : null;
        return new(
            model ?? RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount,
            RuntimeInformation.OSDescription,
            Environment.Version.ToString(),
            OrtEnv.Instance().GetVersionString());
    }

    public override string ToString() => $"{Processor}, {Cores} cores, {OperatingSystem}, .NET {DotNet}; ONNX Runtime {OnnxRuntime}";
}
