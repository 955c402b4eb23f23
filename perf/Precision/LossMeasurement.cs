using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Text;

namespace AsArm.Perf.Precision;

/// <summary>
/// `perf -- loss TEXT FOLDER [FOLDER ...] [--windows N]`: nats per token of model folders with the same tokenizer on the same windows of a text, through
/// ONNX Runtime; the first folder is what the others are compared with. Where a folder has graphs for GPUs, those are measured too, on the CPU.
/// </summary>
internal static class LossMeasurement
{
    private const int Length = 128;
    private const string DocumentEnd = "<|endoftext|>";
    private static readonly double[] s_rates = [0.05, 0.15, 0.5, 0.95];

    public static int Run(string[] arguments)
    {
        int windows = 48;
        if (arguments is [.. string[] rest, "--windows", string number] && int.TryParse(number, out windows))
            arguments = rest;
        if (arguments is not [string text, .. string[] paths] || paths.Length == 0 || windows < 1)
        {
            Console.Error.WriteLine("perf -- loss TEXT FOLDER [FOLDER ...] [--windows N]: a text, documents split by <|endoftext|>, and model folders of one tokenizer.");
            return 2;
        }

        ModelFolder[] folders = [.. paths.Select(ModelFolder.Open)];
        int[][] chosen = Choose(folders[0], File.ReadAllText(text), windows);
        Console.WriteLine($"Nats per token of {Path.GetFileName(text)}, {chosen.Length} windows of {Length} tokens; in half of them scattered tokens are unknown, in the others one gap.\n");
        Console.WriteLine("| folder | precision | graph | " + string.Join(" | ", s_rates.Select(rate => $"{rate:P0}")) + " | all | more than the first |");
        Console.WriteLine("| --- | --- | --- | " + string.Join(" | ", s_rates.Select(_ => "---:")) + " | ---: | ---: |");
        double? first = null;
        foreach ((ModelFolder folder, bool float32) in folders.SelectMany(Graphs))
        {
            using CachedOnnxModel model = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu, Float32: float32));
            double[] nats = Score(model, chosen, out double all);
            first ??= all;
            Console.WriteLine($"| {folder.Name} | {folder.Manifest.Precision} | {Path.GetFileName(model.GraphPath)} | {string.Join(" | ", nats.Select(value => $"{value:F4}"))} | {all:F4} | {all - first:F4} |");
        }

        return 0;
    }

    private static IEnumerable<(ModelFolder Folder, bool Float32)> Graphs(ModelFolder folder)
    {
        yield return (folder, false);
        if (folder.CachedFloat32OnnxPath is not null)
            yield return (folder, true);
    }

    /// <summary>Windows of the packed text, evenly spread.</summary>
    private static int[][] Choose(ModelFolder folder, string text, int count)
    {
        var tokenizer = InfillTokenizer.Open(folder);
        string[] documents = text.Split(DocumentEnd, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        int[] stream = [.. documents.SelectMany(document => tokenizer.EncodeStart(document).Append(folder.Manifest.SeparatorId))];
        int available = stream.Length / Length, used = Math.Min(count, available);
        return [.. Enumerable.Range(0, used).Select(i => stream.AsSpan(i * available / used * Length, Length).ToArray())];
    }

    /// <summary>Nats per token by rate, and over all tokens that were scored.</summary>
    private static double[] Score(CachedOnnxModel model, int[][] windows, out double all)
    {
        var options = new SamplingOptions();
        double total = 0;
        int scored = 0;
        double[] nats = [.. s_rates.Select(rate =>
        {
            double sum = 0;
            int tokens = 0;
            for (int i = 0; i < windows.Length; i++)
            {
                double[] logs = JointDensity.LogProbabilities(model, Order.LeftToRight(Given(rate, i)), windows[i], options);
                (sum, tokens) = (sum - logs.Sum(), tokens + logs.Length);
            }

            (total, scored) = (total + sum, scored + tokens);
            return sum / tokens;
        })];
        all = total / scored;
        return nats;
    }

    /// <summary>Which tokens of a window are given: those outside one gap, or all but scattered ones.</summary>
    private static bool[] Given(double rate, int window)
    {
        var random = new SplitMix64(1000 * window + (int)(1000 * rate));
        int unknown = Math.Clamp((int)Math.Round(rate * Length), 1, Length - 1);
        var given = new bool[Length];
        given.AsSpan().Fill(true);
        if (window % 2 == 0)
            given.AsSpan((int)(random.NextDouble() * (Length - unknown + 1)), unknown).Clear();
        else
        {
            foreach (int position in Enumerable.Range(0, Length).OrderBy(_ => random.NextDouble()).Take(unknown).ToArray())
                given[position] = false;
        }

        return given;
    }
}
