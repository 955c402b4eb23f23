using System.Globalization;

namespace AsArm.Hostile;

/// <summary>What Linux tells of a process.</summary>
internal static class ProcessStatus
{
    /// <summary>A line of its status; 0 when it has ended.</summary>
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
