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
        GpuResults results = Measure(folders, device, options.GetValueOrDefault(Law), texts);
        string report = GpuReport.Of(results);
        Console.Write(report);
        if (options.TryGetValue(Report, out string? file))
            File.WriteAllText(file, report);
        if (options.TryGetValue(Json, out string? json))
            AsArm.Perf.Results.ResultFile.Write(json, results);
        return results.Laws.All(law => law.Passes) && results.Texts.All(row => row.Equal >= 0.99 * row.Texts) ? 0 : 1;
    }

    private static GpuResults Measure(ModelFolder[] folders, Device device, string? law, int texts)
    {
        var passes = new List<PassRow>();
        var rounds = new List<RoundRow>();
        var compared = new List<TextsRow>();
        LawRow[] laws = law is null ? [] : [.. new DeviceLaw(ModelFolder.Open(law)).Run(device)];
        foreach (ModelFolder folder in folders)
        {
            Console.Error.WriteLine($"{folder.Name} on {device}");
            passes.AddRange(PassTimes.Passes(folder, device));
            rounds.AddRange(PassTimes.Rounds(folder, device));
            if (folder.HasTokenizer && texts > 0)
                compared.Add(SeededTexts.Compare(folder, device, texts));
        }

        return new(Machine.Current(), device.ToString(), passes, rounds, laws, compared);
    }
}
