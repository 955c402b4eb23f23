using System.Diagnostics;
using System.Globalization;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;

namespace AsArm.Perf.Gpu;

/// <summary>Texts of the same seeds on a device and on the CPU, in float32 and with the same cost of a pass, which the text of a seed depends on.</summary>
internal static class SeededTexts
{
    private const double Overhead = 100;
    private static readonly TextKind[] s_kinds = [TextKind.OneGap, TextKind.ManyGaps];

    /// <summary>Fills the texts on both.</summary>
    /// <param name="folder">A model folder with a tokenizer.</param>
    /// <param name="device">The device.</param>
    /// <param name="count">Number of texts.</param>
    public static TextsRow Compare(ModelFolder folder, Device device, int count)
    {
        string[] texts = [.. from index in Enumerable.Range(0, BenchmarkTexts.Count) from kind in s_kinds select BenchmarkTexts.Get(kind, index)];
        InfillRequest[] requests = [.. Enumerable.Range(0, count).Select(
            i => new InfillRequest(texts[i % texts.Length], new InfillOptions { Seed = i, ForwardPassOverhead = Overhead }))];
        (InfillResult[] cpu, double cpuSeconds) = Fill(folder, new TextInfillerOptions { UseFloat32 = true }, requests);
        (InfillResult[] there, double deviceSeconds) = Fill(folder, new TextInfillerOptions { Device = device, UseFloat32 = true }, requests);
        string[] differences = [.. cpu.Zip(there).Select((pair, i) => Difference(i, pair.First, pair.Second)).OfType<string>()];
        return new(folder.Name, count, count - differences.Length, differences, deviceSeconds, cpuSeconds);
    }

    private static (InfillResult[] Results, double Seconds) Fill(ModelFolder folder, TextInfillerOptions options, InfillRequest[] requests)
    {
        using var infiller = TextInfiller.Open(folder.FullPath, options);
        _ = infiller.InfillMany(requests[..Math.Min(16, requests.Length)]).Count(); // warm-up
        long start = Stopwatch.GetTimestamp();
        InfillResult[] results = [.. infiller.InfillMany(requests)];
        return (results, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static string? Difference(int index, InfillResult cpu, InfillResult there) => cpu.Text == there.Text
        ? null
        : string.Create(CultureInfo.InvariantCulture, $"text {index}: log-probability {cpu.Statistics.LogProbability:F4} on the CPU, {there.Statistics.LogProbability:F4} on the device");
}
