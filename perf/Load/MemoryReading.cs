using System.Diagnostics;
using System.Globalization;

namespace AsArm.Perf.Load;

/// <summary>The memory of a server, in MB (10^6 bytes).</summary>
/// <param name="WorkingSet">Resident memory.</param>
/// <param name="Anonymous">Resident memory that is no file's; null where the system does not tell.</param>
/// <param name="ManagedHeap">The managed heap after a collection that was asked for; null if it could not be.</param>
internal sealed record MemoryReading(double WorkingSet, double? Anonymous, double? ManagedHeap)
{
    private const double Megabyte = 1e6;
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(3);

    /// <summary>Reads it when the server has had nothing to do for a while, and collects garbage afterwards.</summary>
    public static async Task<MemoryReading> AtRestAsync(ServerProcess server)
    {
        await Task.Delay(s_rest);
        using var process = Process.GetProcessById(server.Id);
        return new(process.WorkingSet64 / Megabyte, AnonymousBytes(server.Id) / Megabyte, Load.ManagedHeap.CollectAndMeasure(server.Id) / Megabyte);
    }

    /// <summary>Resident memory alone, which disturbs nothing.</summary>
    public static double WorkingSetOf(ServerProcess server)
    {
        using var process = Process.GetProcessById(server.Id);
        return process.WorkingSet64 / Megabyte;
    }

    private static double? AnonymousBytes(int process)
    {
        const string Field = "RssAnon:";
        string status = $"/proc/{process}/status";
        string? line = File.Exists(status) ? File.ReadLines(status).FirstOrDefault(one => one.StartsWith(Field, StringComparison.Ordinal)) : null;
        return line is null ? null : 1024 * double.Parse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
