using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace AsArm.Hostile;

/// <summary>Opens damaged folders in child processes and counts the outcomes. A child that crashes, hangs or uses too much memory is stopped, and another continues after the folder that caused it.</summary>
internal sealed class Campaign
{
    private const long MaxKilobytes = 1 << 20;
    private const double MaxSeconds = 5; // of processor time, so that other load does not matter
    private static readonly TimeSpan s_maxWait = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, int> _counts = [];
    private int _faults;
    private double _maxSeconds;
    private long _maxKilobytes;

    /// <summary>Opens a range of damaged folders. Returns the exit code: 1 if one did harm.</summary>
    public static int Run(int from, int count)
    {
        if (!CheckBaseFolders())
            return 1;
        var campaign = new Campaign();
        for (int next = from; next < from + count;)
            next = campaign.RunChild(next, from + count);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{count} damaged folders from {from}: {string.Join(", ", campaign._counts.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Value} {pair.Key}"))}; "
            + $"at most {campaign._maxSeconds:0.00} s and {campaign._maxKilobytes >> 10} MiB; {campaign._faults} did harm"));
        return campaign._faults == 0 ? 0 : 1;
    }

    /// <summary>Tests that harm is detected: every control does some. Returns the exit code.</summary>
    public static int RunControls()
    {
        var campaign = new Campaign();
        for (int next = -Controls.Count; next < 0;)
            next = campaign.RunChild(next, 0);
        Console.WriteLine($"{Controls.Count} controls, {campaign._faults} noticed");
        return campaign._faults == Controls.Count ? 0 : 1;
    }

    /// <summary>Whether all undamaged folders can be used.</summary>
    private static bool CheckBaseFolders()
    {
        for (int index = 0; index < BaseFolders.Count; index++)
        {
            string folder = Directory.CreateTempSubdirectory("asarm-hostile-").FullName;
            BaseFolders.Write(index, folder);
            string outcome = Child.Use(folder);
            Directory.Delete(folder, recursive: true);
            if (outcome == "used")
                continue;
            Console.WriteLine($"undamaged folder {index}: {outcome}");
            return false;
        }

        return true;
    }

    /// <summary>Runs a child from a folder on. Returns the number of the next folder.</summary>
    private int RunChild(int from, int to)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [.. Arguments(), "child", $"{from}", $"{to}"]) { RedirectStandardOutput = true };
        using Process child = Process.Start(start)!;
        using var lines = new BlockingCollection<string>();
        Task reading = Task.Run(() => Read(child, lines));
        int number = from;
        string doing = "";
        string? harm = null;
        while (harm is null && TryTake(child, lines, out string? line, out harm))
        {
            string[] words = line.Split(' ', 3);
            number = int.Parse(words[1], CultureInfo.InvariantCulture);
            if (words[0] == "begin")
                doing = words[2];
            else
                Count(number, doing, words[2]);
            if (words[0] == "end")
                doing = "";
        }

        if (harm is not null)
            child.Kill();
        child.WaitForExit();
        reading.Wait();
        if (doing.Length == 0 && harm is null)
            return child.ExitCode == 0 && number == to - 1 ? to : throw new InvalidOperationException($"A child ended with {child.ExitCode} after folder {number}.");
        AddFault(number, doing, harm ?? $"ended the process with {child.ExitCode}");
        return number + 1;
    }

    private static IEnumerable<string> Arguments() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(Campaign).Assembly.Location] : [];

    private static void Read(Process child, BlockingCollection<string> lines)
    {
        while (child.StandardOutput.ReadLine() is string line)
            lines.Add(line);
        lines.CompleteAdding();
    }

    /// <summary>Reads the next line of a child. False at the end, or if the child does harm.</summary>
    private static bool TryTake(Process child, BlockingCollection<string> lines, out string line, out string? harm)
    {
        harm = null;
        long start = Stopwatch.GetTimestamp();
        TimeSpan before = ProcessorTime(child);
        while (!lines.TryTake(out line!, 20))
        {
            if (lines.IsCompleted)
                return false;
            long kilobytes = ProcessStatus.Kilobytes($"{child.Id}", "VmRSS");
            if (kilobytes > MaxKilobytes)
                harm = $"took {kilobytes >> 10} MiB";
            else if ((ProcessorTime(child) - before).TotalSeconds > MaxSeconds || Stopwatch.GetElapsedTime(start) > s_maxWait)
                harm = "did not end";
            if (harm is not null)
                return false;
        }

        return true;
    }

    private static TimeSpan ProcessorTime(Process child)
    {
        try
        {
            return child.TotalProcessorTime;
        }
        catch (InvalidOperationException)
        {
            return default; // it has ended
        }
    }

    private void Count(int number, string doing, string result)
    {
        string[] words = result.Split(' ', 3);
        double seconds = double.Parse(words[0], CultureInfo.InvariantCulture);
        long kilobytes = long.Parse(words[1], CultureInfo.InvariantCulture);
        (_maxSeconds, _maxKilobytes) = (Math.Max(_maxSeconds, seconds), Math.Max(_maxKilobytes, kilobytes));
        if (words[2].StartsWith("fault", StringComparison.Ordinal))
            AddFault(number, doing, words[2]);
        else if (kilobytes > MaxKilobytes)
            AddFault(number, doing, $"took {kilobytes >> 10} MiB");
        else
            Add(words[2]);
    }

    private void AddFault(int number, string doing, string what)
    {
        Add("harmful");
        Console.WriteLine($"folder {number} ({doing}): {what}");
        _faults++;
    }

    private void Add(string outcome) => _counts[outcome] = _counts.GetValueOrDefault(outcome) + 1;
}
