using System.Reflection;
using System.Text.Json;
using BenchmarkDotNet.Attributes;

namespace AsArm.Perf;

/// <summary>
/// Compares the bytes that every benchmark allocates with a committed baseline. Bytes are the same on a busy machine as on an
/// idle one, so a few runs of each are enough; all benchmarks are found by reflection.
/// </summary>
internal static class AllocationGate
{
    private const int WarmUps = 4;
    private const int Runs = 4;
    private const int Repetitions = 3;

    /// <summary>The count of .NET wavers by some 0.1 % where arrays exceed 85,000 bytes. Nothing stays nothing.</summary>
    private const double Slack = 0.01;

    private static readonly JsonSerializerOptions _json = new() { WriteIndented = true };

    /// <summary>0 if nothing allocates more than its baseline and the baseline names the very benchmarks there are, else 1.</summary>
    public static int Check(string baselineFile)
    {
        var baseline = JsonSerializer.Deserialize<Dictionary<string, long>>(File.ReadAllText(baselineFile))!;
        var measured = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (Type type in typeof(AllocationGate).Assembly.GetTypes().OrderBy(type => type.Name, StringComparer.Ordinal))
            Measure(type, measured);
        bool good = true;
        foreach ((string name, long bytes) in measured)
            good &= Report(name, bytes, baseline.TryGetValue(name, out long allowed) ? allowed : null);
        foreach (string name in baseline.Keys.Except(measured.Keys))
        {
            Console.WriteLine($"FAIL {name}: in the baseline, but there is no such benchmark");
            good = false;
        }

        if (!good)
            Console.WriteLine($"If the change is meant, perf/allocations.json becomes:\n{JsonSerializer.Serialize(measured, _json)}");
        return good ? 0 : 1;
    }

    private static bool Report(string name, long bytes, long? allowed)
    {
        string verdict = bytes <= allowed * (1 + Slack) ? "ok" : "FAIL";
        string compared = allowed is null ? "no baseline" : $"baseline {allowed}";
        Console.WriteLine($"{verdict,-4} {name}: {bytes} bytes, {compared}");
        return verdict != "FAIL";
    }

    private static void Measure(Type type, SortedDictionary<string, long> measured)
    {
        foreach (MethodInfo method in type.GetMethods().Where(method => method.IsDefined(typeof(BenchmarkAttribute))))
        {
            PropertyInfo size = type.GetProperty("VocabularySize")!;
            foreach (object? value in size.GetCustomAttribute<ParamsAttribute>()!.Values)
            {
                object benchmarks = Activator.CreateInstance(type)!;
                size.SetValue(benchmarks, value);
                type.GetMethod("Setup")!.Invoke(benchmarks, null);
                string name = $"{type.Name[..^"Benchmarks".Length]}.{method.Name}({value})";
                measured[name] = BytesPerRun(method.CreateDelegate<Func<int>>(benchmarks));
            }
        }
    }

    /// <summary>
    /// The mean over a few runs, as a benchmark may do different things by turns; of three such means the least, as anything else
    /// that .NET builds once may fall into one of them.
    /// </summary>
    private static long BytesPerRun(Func<int> benchmark)
    {
        for (int i = 0; i < WarmUps; i++)
            benchmark();
        long least = long.MaxValue;
        for (int i = 0; i < Repetitions; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int j = 0; j < Runs; j++)
                benchmark();
            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before + Runs - 1) / Runs);
        }

        return least;
    }
}
