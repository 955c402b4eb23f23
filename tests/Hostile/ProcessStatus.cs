using System.Globalization;

namespace AsArm.Hostile;

/// <summary>The status of a process on Linux.</summary>
internal static class ProcessStatus
{
    /// <summary>A value of /proc/PROCESS/status in kilobytes; 0 if the process has ended.</summary>
    public static long Kilobytes(string process, string name)
    {
        try
        {
            string line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal));
            return long.Parse(line[(name.Length + 1)..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
