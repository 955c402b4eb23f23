using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Stateless;

namespace AsArm.Perf.Cache;

/// <summary>`perf -- cache`: what the key/value cache and batching save at XLNet-base size, all in one run, as Markdown.</summary>
internal static class CacheMeasurement
{
    private const int Usual = 512;
    private const int Extended = 1024;
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

        // XLNet's own length, and a longer one: the table of positions is part of the graph and of every call's cost.
        ModelFolder usual = ModelFolder.Open(Exports.Base(Usual)), extended = ModelFolder.Open(Exports.Base(Extended));
        Console.WriteLine($"{Machine.Current()}; random weights, 12 layers, width 768, vocabulary 32,000, float32.\n");
        var lines = new List<string>();
        MeasurePeak(usual, Usual, lines);
        MeasurePeak(extended, Extended, lines);
        MeasureModel(usual, [128, Usual], s_batches, lines);
        MeasureModel(extended, [128, Extended], [1], lines);
        Console.WriteLine();
        lines.ForEach(Console.WriteLine);
        return 0;
    }

    private static void MeasureModel(ModelFolder folder, int[] lengths, int[] batches, List<string> lines)
    {
        using CachedOnnxModel cached = CachedOnnxModel.Open(folder);
        Console.WriteLine($"\nLongest sequence {folder.Manifest.MaxLength}:\n");
        MeasureDecoding(cached, lengths, batches, lines);
        using StatelessOnnxModel stateless = StatelessOnnxModel.Open(folder);
        MeasureForwardPasses(stateless, cached, lengths[^1] == Extended ? [Extended] : lengths, lines);
    }

    private static void MeasureForwardPasses(StatelessOnnxModel stateless, CachedOnnxModel cached, int[] lengths, List<string> lines)
    {
        Console.WriteLine("| rows (content + query) | positions | batch | stateless ms | cached ms | stateless / cached | of the medians |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (int length in lengths)
        {
            foreach (int batch in s_batches)
            {
                var states = new ForwardPassTimes(cached, length, batch, s_rows.Max(row => row.Queries));
                foreach ((int content, int queries) in s_rows)
                {
                    (Times slow, Times fast) = states.Measure(stateless, cached, content, queries);
                    string ratio = $"{slow.Fastest / fast.Fastest:F1}";
                    Console.WriteLine($"| {content} + {queries} | {length} | {batch} | {slow.Fastest:F1} | {fast.Fastest:F1} | {ratio} | {slow.Median / fast.Median:F1} |");
                    if (batch == 1)
                        lines.Add($"ratio cached/stateless {length} positions, {content}+{queries} rows: {ratio}");
                }

                states.Release(cached);
            }
        }
    }

    private static void MeasureDecoding(CachedOnnxModel model, int[] lengths, int[] batches, List<string> lines)
    {
        var all = new List<Decoding>();
        foreach (int length in lengths)
        {
            // One length after the other: sequences share the length of their places in the cache.
            Decoding[] together =
            [
                .. from batch in batches
                   from sequential in (bool[])[true, false]
                   select new Decoding(model, length, batch, sequential),
            ];
            foreach (Decoding decoding in together.Concat(together)) // again, as those that enter later move the others in memory
                decoding.WarmUp(8);
            for (int round = 0; round < 7; round++)
            {
                foreach (Decoding decoding in together)
                    decoding.Measure(4); // even, as assd's calls take turns
            }

            foreach (Decoding decoding in together)
                decoding.Dispose();
            all.AddRange(together);
        }

        Console.WriteLine("| sampler | ms per token | median | managed share | bytes per speculation step |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (Decoding decoding in all)
        {
            Times times = decoding.PerToken;
            Console.WriteLine($"| {decoding.Name} | {times.Fastest:F1} | {times.Median:F1} | {decoding.ManagedShare:P1} | {decoding.BytesPerStep:F0} |");
        }

        Console.WriteLine();
        double PerToken(string sampler, int length, int batch) =>
            all.Single(decoding => decoding.Name == $"{sampler}, {length} positions, batch {batch}").PerToken.Fastest;
        if (batches.Length > 1)
        {
            foreach (string sampler in new[] { "assd", "sequential" })
            {
                foreach (int length in lengths)
                    lines.Add($"ratio batch16/batch1 tokens per second, {sampler}, {length} positions: {PerToken(sampler, length, 1) / PerToken(sampler, length, 16):F2}");
            }

            double alone = lengths.Sum(length => PerToken("sequential", length, 1)), together = lengths.Sum(length => PerToken("sequential", length, 16));
            lines.Add($"ratio batch16/batch1 tokens per second: {alone / together:F2}"); // as many tokens of each length
            lines.Add($"managed share: {100 * all.Max(decoding => decoding.ManagedShare):F1} %");
            lines.Add($"bytes per speculation step: {all.Max(decoding => decoding.BytesPerStep):F0}");
        }
        else
            lines.Add($"growth 128->1024: {PerToken("sequential", Extended, 1) / PerToken("sequential", 128, 1):F2}");
    }

    private static void MeasurePeak(ModelFolder folder, int length, List<string> lines)
    {
        const double Megabyte = 1e6;
        double weights = folder.Manifest.Files["model.onnx_data"].Bytes / Megabyte;
        double cache = 2.0 * folder.Manifest.Layers * folder.Manifest.ModelDimension * sizeof(float) * length / Megabyte;
        double peak = PeakMemory.Measure(folder.FullPath, length) / Megabyte;
        lines.Add($"peak memory {length} positions: {peak:F0} MB, weights + 2 x cache + 300 MB = {weights + 2 * cache + 300:F0} MB");
    }
}
