namespace AsArm.Inference.ModelFolders;

/// <summary>
/// Opens untrusted paths for reading. Links are followed as the system follows them, and anything but a regular file is refused, since
/// opening a named pipe would block and a device may have no end.
/// </summary>
internal static class RegularFile
{
    private const int MaxLinks = 40; // the limit of Linux

    /// <summary>The path with all links resolved, those of parent folders too; the file need not exist.</summary>
    /// <exception cref="IOException">The links form a cycle.</exception>
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
                throw new IOException($"{path} is a cycle of links.");
            string root = Path.GetPathRoot(target)!;
            Push(rest, target[root.Length..]);
            current = root.Length > 0 ? root : current;
        }

        return current;
    }

    /// <summary>Opens a file for reading from start to end.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="maxBytes">Largest size that is allowed.</param>
    /// <param name="length">Size in bytes.</param>
    /// <exception cref="ModelFolderException">The file is missing, not readable, a folder or too large; the message names it.</exception>
    public static Stream Open(string path, long maxBytes, out long length)
    {
        try
        {
            string real = RealPath(path);
            if (Directory.Exists(real))
                throw new ModelFolderException($"{path} is a folder, not a file.");
            if (new FileInfo(real).Length == 0) // throws if there is none; pipes, devices and sockets have length 0
            {
                length = 0;
                return Stream.Null;
            }

            var stream = new FileStream(real, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            length = stream.Length;
            if (length <= maxBytes)
                return stream;
            stream.Dispose();
            throw new ModelFolderException($"{path} has {length} bytes, more than the allowed {maxBytes}.");
        }
        catch (Exception error) when (IsAccessError(error))
        {
            throw new ModelFolderException($"{path} is missing or cannot be read.", error);
        }
    }

    /// <summary>Reads a whole file; the result is empty for anything but a regular file.</summary>
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
        catch (Exception error) when (IsAccessError(error))
        {
            throw new ModelFolderException($"{path} cannot be read to its end.", error);
        }
    }

    /// <summary>Whether an exception is one that file access throws.</summary>
    public static bool IsAccessError(Exception error) => error is IOException or UnauthorizedAccessException;

    private static void Push(Stack<string> rest, string path)
    {
        foreach (string part in path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            if (part != ".")
                rest.Push(part);
        }
    }
}
