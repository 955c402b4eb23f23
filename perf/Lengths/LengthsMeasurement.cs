using System.Globalization;
using System.Text.Json;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Lengths;

internal static class LengthsMeasurement
{
    public static int Run(string[] arguments)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        (string file, int count, int fillings, int suffix, string output) = (arguments[0], int.Parse(arguments[1]), int.Parse(arguments[2]), int.Parse(arguments[3]), arguments[4]);
        using var infiller = TextInfiller.Open(Path.Combine(Exports.RepositoryRoot(), "models", "english-18m"));
        var rows = new List<object>();
        var time = System.Diagnostics.Stopwatch.StartNew();
        foreach (TrueGap gap in GapCutter.Cut(File.ReadAllText(file), count, 1))
        {
            if (GapEvidence.Of(infiller, gap, 16, fillings, suffix) is not GapEvidence one)
                continue;
            rows.Add(new { gap.Kind, gap.Before, gap.Original, gap.After, one.Length, Joint = one.Evidence.LogJoints, Cond = one.Evidence.LogConditionals, one.Texts, S = one.Surroundings.After.Length });
        }

        Console.WriteLine($"{rows.Count} gaps, {time.Elapsed.TotalSeconds:F1} s");
        File.WriteAllText(output, JsonSerializer.Serialize(rows));
        return 0;
    }
}
