using System.Runtime.InteropServices;
using AsArm.Inference;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Perf;

/// <summary>`perf -- cache`: what the key/value cache and batching save at XLNet-base size, all in one run, as Markdown.</summary>
internal static class CacheMeasurement
{
    private static readonly int[] s_lengths = [128, 512, 1024];
    private static readonly int[] s_batches = [1, 4, 16]; // all in the cache at once: 42 sequences of 512 tokens, 1.6 GB
    private static readonly (int Content, int Queries)[] s_rows = [(1, 5), (5, 5), (5, 20)];

    public static int Run(string[] arguments)
    {
        if (arguments is [PeakMemory.Argument, string child, string positions])
            return PeakMemory.RunChild(child, int.Parse(positions));
        if (arguments.Length > 0)
        {
            Console.Error.WriteLine("perf -- cache takes no arguments.");
            return 2;
        }

        string path = BaseModel.Folder();
        ModelFolder folder = ModelFolder.Open(path);
        Console.WriteLine($"{Machine()}; ONNX Runtime {OrtEnv.Instance().GetVersionString()}; random weights, 12 layers, width 768, vocabulary 32,000, float32.\n");
        var lines = new List<string>();
        MeasurePeak(folder, lines);
        using CachedOnnxModel cached = CachedOnnxModel.Open(folder);
        MeasureDecoding(cached, lines);
        using StatelessOnnxModel stateless = StatelessOnnxModel.Open(folder);
        MeasureCalls(stateless, cached, lines);
        Console.WriteLine();
        lines.ForEach(Console.WriteLine);
        return 0;
    }

    private static void MeasureCalls(StatelessOnnxModel stateless, CachedOnnxModel cached, List<string> lines)
    {
        Console.WriteLine("| rows (content + query) | positions | batch | stateless ms | cached ms | stateless / cached |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        foreach (int length in s_lengths)
        {
            foreach (int batch in s_batches)
            {
                var calls = new CallTimes(cached, length, batch, s_rows.Max(row => row.Queries));
                foreach ((int content, int queries) in s_rows)
                {
                    (double slow, double fast) = calls.Measure(stateless, cached, content, queries);
                    Console.WriteLine($"| {content} + {queries} | {length} | {batch} | {slow:F1} | {fast:F1} | {slow / fast:F1} |");
                    if (batch == 1)
                        lines.Add($"ratio cached/stateless {length} positions, {content}+{queries} rows: {slow / fast:F1}");
                }

                calls.Release(cached);
            }
        }
    }

    private static void MeasureDecoding(CachedOnnxModel model, List<string> lines)
    {
        var all = new List<Decoding>();
        foreach (int length in s_lengths)
        {
            // One length after the other: sequences share the length of their places in the cache.
            Decoding[] together =
            [
                .. from batch in length > 512 ? [1] : s_batches
                   from sequential in (bool[])[true, false]
                   select new Decoding(model, length, batch, sequential),
            ];
            foreach (Decoding decoding in together.Concat(together)) // again, as those that enter later move the others in memory
                decoding.WarmUp(8);
            for (int round = 0; round < 5; round++)
            {
                foreach (Decoding decoding in together)
                    decoding.Measure(4);
            }

            foreach (Decoding decoding in together)
                decoding.Dispose();
            all.AddRange(together);
        }

        Console.WriteLine("| sampler | ms per token | managed share | bytes per round |");
        Console.WriteLine("| --- | ---: | ---: | ---: |");
        foreach (Decoding decoding in all)
            Console.WriteLine($"| {decoding.Name} | {decoding.MillisecondsPerToken:F1} | {decoding.ManagedShare:P1} | {decoding.BytesPerStep:F0} |");
        Console.WriteLine();
        double PerToken(string sampler, int length, int batch) => all.Single(decoding => decoding.Name == $"{sampler}, {length} positions, batch {batch}").MillisecondsPerToken;
        foreach (string sampler in new[] { "assd", "sequential" })
        {
            foreach (int length in s_lengths[..2])
                lines.Add($"ratio batch16/batch1 tokens per second, {sampler}, {length} positions: {PerToken(sampler, length, 1) / PerToken(sampler, length, 16):F2}");
        }

        lines.Add($"ratio batch16/batch1 tokens per second: {PerToken("sequential", 512, 1) / PerToken("sequential", 512, 16):F2}");
        lines.Add($"growth 128->1024: {PerToken("sequential", 1024, 1) / PerToken("sequential", 128, 1):F2}");
        lines.Add($"managed share: {100 * all.Max(decoding => decoding.ManagedShare):F1} %");
        lines.Add($"bytes per round: {all.Max(decoding => decoding.BytesPerStep):F0}");
    }

    private static void MeasurePeak(ModelFolder folder, List<string> lines)
    {
        const double Megabyte = 1e6;
        double weights = folder.Manifest.Files["model.onnx_data"].Bytes / Megabyte;
        foreach (int length in s_lengths.Skip(1))
        {
            double cache = 2.0 * folder.Manifest.Layers * folder.Manifest.ModelDimension * sizeof(float) * length / Megabyte;
            double peak = PeakMemory.Measure(folder.FullPath, length) / Megabyte;
            lines.Add($"peak memory {length} positions: {peak:F0} MB, weights + 2 x cache + 300 MB = {weights + 2 * cache + 300:F0} MB");
        }
    }

    private static string Machine()
    {
        string? model = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            : null;
        return $"{model ?? RuntimeInformation.ProcessArchitecture.ToString()}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, .NET {Environment.Version}";
    }
}
