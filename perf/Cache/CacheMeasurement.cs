using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Stateless;
using AsArm.Perf.Results;

namespace AsArm.Perf.Cache;

/// <summary>`perf -- cache`: what the key/value cache and batching save at XLNet-base size, all in one run, as Markdown and as JSON.</summary>
internal static class CacheMeasurement
{
    private const int DefaultPositions = 512;
    private const int Extended = 1024;
    private const string Model = "random weights, 12 layers, width 768, vocabulary 32,000, float32";
    private static readonly int[] s_batches = [1, 4, 16]; // all in the cache at once: 42 sequences of 512 tokens, 1.6 GB
    private static readonly (int Content, int Queries)[] s_rows = [(1, 5), (5, 5), (5, 20)];

    public static int Run(string[] arguments)
    {
        if (arguments is [PeakMemory.Argument, string child, string positions])
            return PeakMemory.RunChild(child, int.Parse(positions));
        if (Arguments.Parse("cache", arguments, "--json") is not { } options)
            return 2;

        // XLNet's own length, and a longer one: the table of positions is part of the graph and of every call's cost.
        ModelFolder usual = ModelFolder.Open(Exports.Base(DefaultPositions)), extended = ModelFolder.Open(Exports.Base(Extended));
        var machine = Machine.Current();
        Console.WriteLine($"{machine}; {Model}.\n");
        Figure[] peaks = [MeasurePeak(usual, DefaultPositions), MeasurePeak(extended, Extended)];
        CacheTable[] tables = [MeasureModel(usual, [128, DefaultPositions], [128, DefaultPositions], s_batches), MeasureModel(extended, [128, Extended], [Extended], [1])];
        Figure[] figures = [.. peaks, .. tables.SelectMany(CacheFigures.Of)];
        Console.WriteLine();
        Figure.Print(figures);
        if (options.TryGetValue("--json", out string? json))
            ResultFile.Write(json, new CacheResults(machine, Model, tables, figures));
        return 0;
    }

    /// <param name="folder">The network.</param>
    /// <param name="decoded">Lengths for decoding.</param>
    /// <param name="passed">Lengths for single forward passes.</param>
    /// <param name="batches">Of decoding.</param>
    private static CacheTable MeasureModel(ModelFolder folder, int[] decoded, int[] passed, int[] batches)
    {
        using CachedOnnxModel cached = CachedOnnxModel.Open(folder);
        Console.WriteLine($"\nLongest sequence {folder.Manifest.MaxLength}:\n");
        DecodingRow[] decoding = [.. MeasureDecoding(cached, decoded, batches)];
        Console.WriteLine("| sampler | ms per token | median | managed share | bytes per speculation step |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (DecodingRow row in decoding)
            Console.WriteLine($"| {row} | {row.MillisecondsPerToken:F1} | {row.MedianMillisecondsPerToken:F1} | {row.ManagedShare:P1} | {row.BytesPerSpeculationStep:F0} |");
        Console.WriteLine();
        using StatelessOnnxModel stateless = StatelessOnnxModel.Open(folder);
        return new(folder.Manifest.MaxLength, decoding, MeasureForwardPasses(stateless, cached, passed));
    }

    private static List<ForwardPassRow> MeasureForwardPasses(StatelessOnnxModel stateless, CachedOnnxModel cached, int[] lengths)
    {
        Console.WriteLine("| tokens (content + query) | positions | batch | stateless ms | cached ms | stateless / cached | of the medians |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        var rows = new List<ForwardPassRow>();
        foreach (int length in lengths)
        {
            foreach (int batch in s_batches)
            {
                var states = new ForwardPassTimes(cached, length, batch, s_rows.Max(row => row.Queries));
                foreach ((int content, int queries) in s_rows)
                {
                    (Times slow, Times fast) = states.Measure(stateless, cached, content, queries);
                    var row = new ForwardPassRow(content, queries, length, batch, slow.Fastest, fast.Fastest, slow.Fastest / fast.Fastest, slow.Median / fast.Median);
                    Console.WriteLine(
                        $"| {content} + {queries} | {length} | {batch} | {row.StatelessMilliseconds:F1} | {row.CachedMilliseconds:F1} | {row.StatelessOverCached:F1} | {row.MedianStatelessOverCached:F1} |");
                    rows.Add(row);
                }

                states.Release(cached);
            }
        }

        return rows;
    }

    private static List<DecodingRow> MeasureDecoding(CachedOnnxModel model, int[] lengths, int[] batches)
    {
        var all = new List<DecodingRow>();
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
            all.AddRange(together.Select(decoding => decoding.Row));
        }

        return all;
    }

    private static Figure MeasurePeak(ModelFolder folder, int length)
    {
        const double Megabyte = 1e6;
        double weights = folder.Manifest.Files["model.onnx_data"].Bytes / Megabyte;
        double cache = 2.0 * folder.Manifest.Layers * folder.Manifest.ModelDimension * sizeof(float) * length / Megabyte;
        double peak = PeakMemory.Measure(folder.FullPath, length) / Megabyte;
        return new($"peak memory {length} positions", peak, $"{peak:F0} MB, weights + 2 x cache + 300 MB = {weights + 2 * cache + 300:F0} MB");
    }
}
