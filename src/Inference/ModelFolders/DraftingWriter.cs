namespace AsArm.Inference.ModelFolders;

/// <summary>Writes `drafting` into asarm.json of a model folder. The file is replaced atomically.</summary>
internal static class DraftingWriter
{
    private const string Suffix = ".new";

    /// <summary>Checks that the file can be written, before a measurement; leaves nothing behind.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="IOException">The file cannot be written; the message names it.</exception>
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
    /// Writes the figures; all other fields keep their bytes. A link asarm.json is replaced by a file, and its target is not changed.
    /// An open infiller keeps the figures it was opened with.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="figures">The figures.</param>
    /// <exception cref="IOException">The file cannot be written; the message names it. It is unchanged.</exception>
    /// <exception cref="ModelFolderException">The file can no longer be read, describes another model, or the figures are out of range.</exception>
    public static void Write(ModelFolder folder, DraftingFigures figures)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(figures);
        byte[] old = RegularFile.Read(PathOf(folder), ModelLimits.ManifestBytes);
        if (ManifestReader.ReadBytes(old).Identity != folder.Manifest.Identity)
            throw new ModelFolderException($"{PathOf(folder)} describes another model than when the folder was opened: nothing was written.");
        byte[] json = DraftingJson.SetDrafting(old, figures);
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
            catch (Exception error) when (RegularFile.IsAccessError(error))
            {
                DeleteQuietly(path);
                throw;
            }
        });
    }

    /// <summary>Creates the file; one that an earlier run left is deleted.</summary>
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
        catch (Exception error) when (RegularFile.IsAccessError(error))
        {
            // the original error is the one to report
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
        catch (Exception error) when (RegularFile.IsAccessError(error))
        {
            throw new IOException($"{path} cannot be written: {error.Message}", error);
        }
    }
}
