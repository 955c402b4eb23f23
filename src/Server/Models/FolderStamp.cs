using System.Globalization;

namespace AsArm.Server.Models;

/// <summary>What a model folder looks like, without reading its files.</summary>
internal static class FolderStamp
{
    /// <summary>Names, lengths and times of its files.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static string Of(string folder) => string.Join('\n', Files(folder).OrderBy(file => file.Name, StringComparer.Ordinal).Select(file =>
        string.Create(CultureInfo.InvariantCulture, $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks} {file.LinkTarget}")));

    /// <summary>Size of its files, those of links included.</summary>
    public static long BytesOf(string folder) =>
        Files(folder).Sum(file => file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target.Length : file.Length);

    private static FileInfo[] Files(string folder) => new DirectoryInfo(folder).GetFiles();
}
