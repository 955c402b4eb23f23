namespace AsArm.Inference.ModelFolders;

/// <summary>
/// Opens files that may be anything: links are followed as the system follows them, and what is no regular file is never opened, since a
/// named pipe would wait for its other end and a device would never end.
/// </summary>
internal static class RegularFile
{
    private const int MaxLinks = 40; // as Linux has it

    /// <summary>The path without links, of the file itself and of the folders that lead to it; the file need not be there.</summary>
    /// <exception cref="IOException">The links go round in a circle.</exception>
    public static string RealPath(string path)
    {
        string full = Path.GetFullPath(path), current = Path.GetPathRoot(full)!;
        var rest = new Stack<string>();
        Push(rest, full[current.Length..]);
        for (int links = 0; rest.TryPop(out string? part);)
        {
            if (part == "..")
            {
                current = Path.GetDirectoryName(current) ?? current;
                continue;
            }

            string next = Path.Combine(current, part);
            if (new FileInfo(next).LinkTarget is not string target)
            {
                current = next;
                continue;
            }

            if (++links > MaxLinks)
                throw new IOException($"{path} is a link to itself.");
            string root = Path.GetPathRoot(target)!;
            Push(rest, target[root.Length..]);
            current = root.Length > 0 ? root : current;
        }

        return current;
    }

    /// <summary>Opens a file for reading from start to end.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="maxBytes">Most bytes that it may have.</param>
    /// <param name="length">Its bytes.</param>
    /// <exception cref="ModelFolderException">Missing, not readable, no regular file, or too large; the message names it.</exception>
    public static Stream Open(string path, long maxBytes, out long length)
    {
        try
        {
            string real = RealPath(path);
            if (Directory.Exists(real))
                throw new ModelFolderException($"{path} is a folder, not a file.");
            if (new FileInfo(real).Length == 0) // throws where there is none; pipes, devices and sockets have no length either
            {
                length = 0;
                return Stream.Null;
            }

            var stream = new FileStream(real, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            length = stream.Length;
            if (length <= maxBytes)
                return stream;
            stream.Dispose();
            throw new ModelFolderException($"{path} has {length} bytes, more than the {maxBytes} that such a file may have.");
        }
        catch (Exception error) when (IsAccess(error))
        {
            throw new ModelFolderException($"{path} is missing or cannot be read.", error);
        }
    }

    /// <summary>Reads a whole file; nothing of what is no regular file.</summary>
    /// <inheritdoc cref="Open" />
    public static byte[] Read(string path, long maxBytes)
    {
        using Stream stream = Open(path, Math.Min(maxBytes, Array.MaxLength), out long length);
        try
        {
            var bytes = new byte[length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception error) when (IsAccess(error))
        {
            throw new ModelFolderException($"{path} cannot be read to its end.", error);
        }
    }

    /// <summary>What reading a file may throw.</summary>
    public static bool IsAccess(Exception error) => error is IOException or UnauthorizedAccessException;

    private static void Push(Stack<string> rest, string path)
    {
        foreach (string part in path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            if (part != ".")
                rest.Push(part);
        }
    }
}
