using AsArm.Assd;
using AsArm.Inference;

namespace AsArm.Perf;

/// <summary>
/// `perf -- loss VALID CALIBRATION [WINDOWS]`: nats per token of the committed model on the same windows of a text, through ONNX Runtime in every
/// precision. Calibration is the text that int8 and int4 are rounded for; it must be another one than the text that is scored.
/// </summary>
internal static class LossMeasurement
{
    private const int Length = 128;
    private const int Windows = 48;
    private const string DocumentEnd = "<|endoftext|>";
    private static readonly string[] s_precisions = ["fp32", "fp16", "int8", "int4"];
    private static readonly double[] s_rates = [0.05, 0.15, 0.5, 0.95];

    public static int Run(string[] arguments)
    {
        int windows = Windows;
        if (arguments is not [string valid, string calibration, .. string[] more] || more.Length > 1 || (more.Length == 1 && !int.TryParse(more[0], out windows)))
        {
            Console.Error.WriteLine("perf -- loss VALID CALIBRATION [WINDOWS]: two texts, documents split by <|endoftext|>.");
            return 2;
        }

        ModelFolder[] folders = [.. s_precisions.Select(precision => ModelFolder.Open(Exports.Committed(precision, calibration)))];
        int[][] chosen = Choose(folders[0], File.ReadAllText(valid), windows);
        Console.WriteLine($"Nats per token, {chosen.Length} windows of {Length} tokens; in half of them scattered tokens are unknown, in the others one gap.\n");
        Console.WriteLine("| precision | block | " + string.Join(" | ", s_rates.Select(rate => $"{rate:P0}")) + " | all | more than fp32 |");
        Console.WriteLine("| --- | ---: | " + string.Join(" | ", s_rates.Select(_ => "---:")) + " | ---: | ---: |");
        double first = 0;
        var lines = new List<string>();
        for (int i = 0; i < folders.Length; i++)
        {
            double[] nats = Score(folders[i], chosen, out double all);
            first = i == 0 ? all : first;
            Console.WriteLine($"| {s_precisions[i]} | {folders[i].Manifest.Block} | {string.Join(" | ", nats.Select(value => $"{value:F4}"))} | {all:F4} | {all - first:F4} |");
            if (i > 0)
                lines.Add($"loss of {s_precisions[i]}: {all - first:F4} nats per token");
        }

        Console.WriteLine();
        lines.ForEach(Console.WriteLine);
        return 0;
    }

    /// <summary>Windows of the packed text, evenly spread.</summary>
    private static int[][] Choose(ModelFolder folder, string text, int count)
    {
        var tokenizer = InfillTokenizer.Open(folder.TokenizerPath!, folder.Manifest);
        string[] documents = text.Split(DocumentEnd, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        int[] stream = [.. documents.SelectMany(document => tokenizer.EncodeStart(document).Append(folder.Manifest.SeparatorId))];
        int available = stream.Length / Length, used = Math.Min(count, available);
        return [.. Enumerable.Range(0, used).Select(i => stream.AsSpan(i * available / used * Length, Length).ToArray())];
    }

    /// <summary>Nats per token by rate, and over all tokens that were scored.</summary>
    private static double[] Score(ModelFolder folder, int[][] windows, out double all)
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(folder);
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
        var coins = new SeededCoins(1000 * window + (int)(1000 * rate));
        int unknown = Math.Clamp((int)Math.Round(rate * Length), 1, Length - 1);
        var given = new bool[Length];
        given.AsSpan().Fill(true);
        if (window % 2 == 0)
            given.AsSpan((int)(coins.Toss() * (Length - unknown + 1)), unknown).Clear();
        else
        {
            foreach (int position in Enumerable.Range(0, Length).OrderBy(_ => coins.Toss()).Take(unknown).ToArray())
                given[position] = false;
        }

        return given;
    }
}
