namespace AsArm.Inference.ModelFolders;

/// <summary>Writes `drafting` into asarm.json of a model folder, whole or not at all.</summary>
public static class DraftingWriter
{
    private const string Suffix = ".new";

    /// <summary>Finds out whether the file can be written, before anything is measured; leaves nothing behind.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="IOException">It cannot; the message names the file.</exception>
    public static void RequireWritable(ModelFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Try(folder, path =>
        {
            Create(path).Dispose();
            File.Delete(path);
        });
    }

    /// <summary>
    /// Writes the figures; all other fields keep their bytes. Where asarm.json is a link, a file takes its place, and what it led to stays
    /// as it is. An infiller that is open goes on with the figures it was opened with.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="figures">The figures.</param>
    /// <exception cref="IOException">It cannot be written; the message names the file, which is as it was.</exception>
    /// <exception cref="ModelFolderException">The file cannot be read any more, or figures are out of range.</exception>
    public static void Write(ModelFolder folder, DraftingFigures figures)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(figures);
        byte[] old = RegularFile.Read(PathOf(folder), ModelLimits.ManifestBytes);
        if (ManifestReader.ReadBytes(old).Identity != folder.Manifest.Identity)
            throw new ModelFolderException($"{PathOf(folder)} describes another model than when it was opened: nothing was written.");
        byte[] json = DraftingJson.Put(old, figures);
        ManifestReader.ReadBytes(json);
        Try(folder, path =>
        {
            try
            {
                using (FileStream stream = Create(path))
                {
                    stream.Write(json);
                    stream.Flush(flushToDisk: true);
                }

                if (!OperatingSystem.IsWindows())
                    File.SetUnixFileMode(path, File.GetUnixFileMode(PathOf(folder)));
                File.Move(path, PathOf(folder), overwrite: true);
            }
            catch (Exception error) when (RegularFile.IsAccess(error))
            {
                DeleteQuietly(path);
                throw;
            }
        });
    }

    /// <summary>A new file, whatever an earlier run may have left there.</summary>
    private static FileStream Create(string path)
    {
        File.Delete(path);
        return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
    }

    private static void DeleteQuietly(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (RegularFile.IsAccess(error))
        {
            // the error that led here is the one to report
        }
    }

    private static string PathOf(ModelFolder folder) => Path.Combine(folder.FullPath, ModelFolder.ManifestFile);

    private static void Try(ModelFolder folder, Action<string> action)
    {
        string path = PathOf(folder);
        try
        {
            action(path + Suffix);
        }
        catch (Exception error) when (RegularFile.IsAccess(error))
        {
            throw new IOException($"{path} cannot be written: {error.Message}", error);
        }
    }
}
