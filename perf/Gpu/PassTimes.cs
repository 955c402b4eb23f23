using System.Diagnostics;
using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Devices;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Perf.Cache;
using AsArm.Perf.Results;

namespace AsArm.Perf.Gpu;

/// <summary>Times of forward passes and of whole rounds, apart: what ONNX Runtime takes, and what is added to it.</summary>
internal static class PassTimes
{
    private const int WarmUp = 6, Turns = 40, DraftLength = 5, GapLength = 160;
    private static readonly (int Batch, int Content, int Queries)[] s_shapes = [(1, 1, 1), (1, 1, 5), (1, 5, 5), (1, 5, 40), (16, 5, 5), (64, 5, 5)];
    private static readonly int[] s_lengths = [128, 512], s_batches = [1, 16, 64];

    /// <summary>Forward passes by shape, with CUDA graphs and without, where the device has them.</summary>
    public static IEnumerable<PassRow> Passes(ModelFolder folder, Device device)
    {
        foreach (bool graphs in device == Device.Cpu ? new[] { false } : [true, false])
        {
            using OnnxAnySubsetModel model = Open(folder, device, graphs);
            foreach (int length in s_lengths.Where(length => length <= model.MaxLength))
            {
                foreach ((int batch, int content, int queries) in s_shapes)
                {
                    var timer = new ForwardPassTimer(model, length, batch, queries);
                    (MedianInterval graph, MedianInterval pass) = Times(model, () => timer.Time(model, content, queries), Turns);
                    timer.Release(model);
                    yield return new(folder.Name, graphs, batch, content, queries, length, graph, pass);
                }
            }

            if (graphs && model.CudaGraphFailure is string failure)
                Console.Error.WriteLine($"{folder.Name}: CUDA graphs are not used: {failure}");
        }
    }

    /// <summary>Rounds of a sampler over sequences that have enough left to fill.</summary>
    public static IEnumerable<RoundRow> Rounds(ModelFolder folder, Device device)
    {
        using OnnxAnySubsetModel model = Open(folder, device, device != Device.Cpu);
        int length = Math.Min(512, model.MaxLength);
        foreach (int batch in s_batches)
        {
            var order = Sequences.WithGap(length, Math.Min(GapLength, length / 2));
            var options = new SamplingOptions { DraftLength = DraftLength };
            using var loop = new SamplingLoop(model) { UsesThreads = true };
            long seed = 0;
            void Refill()
            {
                for (; loop.Count < batch; seed++)
                    loop.Add(new AssdSampler(order, Sequences.Tokens(length, model.VocabularySize, seed), options, model.VocabularySize), new SplitMix64(seed));
            }

            (MedianInterval graph, MedianInterval round) = Times(model, () => Step(loop, Refill), Turns);
            yield return new(folder.Name, batch, length, graph, round);
        }
    }

    private static OnnxAnySubsetModel Open(ModelFolder folder, Device device, bool graphs) =>
        OnnxModelLoader.Open(folder, device, deviceOptions: device == Device.Cpu ? null : new DeviceOptions { CudaGraphs = graphs });

    private static double Step(SamplingLoop loop, Action refill)
    {
        refill(); // sequences that are done are replaced
        long start = Stopwatch.GetTimestamp();
        loop.Step(CancellationToken.None);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static (MedianInterval Graph, MedianInterval Whole) Times(OnnxAnySubsetModel model, Func<double> run, int turns)
    {
        List<double> graph = [], whole = [];
        for (int turn = -WarmUp; turn < turns; turn++)
        {
            TimeSpan before = model.NativeTime;
            double milliseconds = run();
            if (turn < 0)
                continue;
            whole.Add(milliseconds);
            graph.Add((model.NativeTime - before).TotalMilliseconds);
        }

        return (MedianInterval.Of(graph), MedianInterval.Of(whole));
    }
}
