using System.Globalization;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;

namespace AsArm.Perf.Gpu;

/// <summary>
/// `perf -- gpu MODEL...`: what has to be known of a device: times of forward passes and rounds, samples against an enumerated distribution, and texts of
/// the same seeds as on the CPU. Runs on a CPU too, where it measures that.
/// </summary>
internal static class GpuMeasurement
{
    private const string Usage = "gpu MODEL...", DeviceOption = "--device", Law = "--law", Texts = "--texts", Json = "--json", Report = "--report";

    public static int Run(string[] arguments)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        string[] models = [.. arguments.TakeWhile(argument => !argument.StartsWith("--", StringComparison.Ordinal))];
        if (Arguments.Parse(Usage, arguments[models.Length..], DeviceOption, Law, Texts, Json, Report) is not { } options)
            return 2;
        if (models.Length == 0 || !Device.TryParse(options.GetValueOrDefault(DeviceOption, "cuda"), out Device device))
        {
            Console.Error.WriteLine("perf -- gpu takes one or more model folders; --device is cpu, cuda, cuda:1 and so on.");
            return 2;
        }

        int texts = int.Parse(options.GetValueOrDefault(Texts, "200"), CultureInfo.InvariantCulture);
        ModelFolder[] folders = [.. models.Select(ModelFolder.Open)];
        GpuResults results = Measure(folders, device, options.GetValueOrDefault(Law), texts, measured => Write(measured, options));
        Console.Write(GpuReport.Of(results));
        return results.Laws.All(law => law.Passes) && results.Texts.All(row => row.Equal >= 0.99 * row.Texts) ? 0 : 1;
    }

    /// <summary>Measures; what there is so far is handed on after each stage, as whoever lends a GPU may not wait for the end.</summary>
    private static GpuResults Measure(ModelFolder[] folders, Device device, string? law, int texts, Action<GpuResults> onStage)
    {
        var passes = new List<PassRow>();
        var rounds = new List<RoundRow>();
        var laws = new List<LawRow>();
        var compared = new List<TextsRow>();
        var results = new GpuResults(Machine.Current(), device.ToString(), passes, rounds, laws, compared);
        void Stage<T>(string name, List<T> rows, IEnumerable<T> measured)
        {
            Console.Error.WriteLine(name);
            rows.AddRange(measured);
            onStage(results);
        }

        if (law is not null)
            Stage($"exact law on {device}", laws, new DeviceLaw(ModelFolder.Open(law)).Run(device));
        foreach (ModelFolder folder in folders)
        {
            Stage($"{folder.Name}: forward passes on {device}", passes, PassTimes.Passes(folder, device));
            Stage($"{folder.Name}: rounds", rounds, PassTimes.Rounds(folder, device));
        }

        foreach (ModelFolder folder in folders.Where(folder => folder.HasTokenizer && texts > 0))
            Stage($"{folder.Name}: texts of the same seeds", compared, [SeededTexts.Compare(folder, device, texts)]);
        return results;
    }

    private static void Write(GpuResults results, IReadOnlyDictionary<string, string> options)
    {
        if (options.TryGetValue(Report, out string? report))
            File.WriteAllText(report, GpuReport.Of(results));
        if (options.TryGetValue(Json, out string? json))
            AsArm.Perf.Results.ResultFile.Write(json, results);
    }
}
