namespace AsArm.Assd.Tests.Support;

/// <summary>A folder that is deleted after the test, optionally a copy of another.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder(string? copyOf = null)
    {
        Path = Directory.CreateTempSubdirectory("asarm-test-").FullName;
        foreach (string file in copyOf is null ? [] : Directory.GetFiles(copyOf))
            File.Copy(file, In(System.IO.Path.GetFileName(file)));
    }

    public string Path { get; }

    public string In(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file and names it.</summary>
    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(In(name), content);
        return In(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
