using System.Diagnostics;

namespace AsArm.Perf;

/// <summary>A checkpoint of XLNet-base size with random weights, exported once into a folder of the user's cache.</summary>
internal static class BaseModel
{
    /// <summary>The model folder for texts of some length; made by tools/export if it is not there (a minute, 1 GB of disk).</summary>
    /// <exception cref="InvalidOperationException">A tool failed.</exception>
    public static string Folder(int maximumLength)
    {
        string cache = Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "asarm", "perf");
        string checkpoint = Path.Combine(cache, "base-checkpoint"), model = Path.Combine(cache, $"base-{maximumLength}-{ToolsStamp()}");
        if (Directory.Exists(model))
            return model;
        Directory.CreateDirectory(cache);
        if (!Directory.Exists(checkpoint))
            RunTool("random_checkpoint.py", "--output", checkpoint, "--size", "base");
        RunTool("export.py", "--checkpoint", checkpoint, "--maximum-length", $"{maximumLength}", "--output", model);
        return model;
    }

    private static string Tools => Path.Combine(RepositoryRoot(), "tools", "export");

    /// <summary>Another exporter makes another folder: a short hash of the tools' sources.</summary>
    private static string ToolsStamp()
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (string file in Directory.GetFiles(Tools, "*.py").Order(StringComparer.Ordinal))
            hash.AppendData(File.ReadAllBytes(file));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "AsArm.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("Run this from a checkout of the repository: it needs tools/export.");
    }

    private static void RunTool(string tool, params string[] arguments)
    {
        Console.Error.WriteLine($"{tool} {string.Join(' ', arguments)}");
        string python = Environment.GetEnvironmentVariable("PYTHON") ?? "/usr/bin/python3"; // the one that .ci/run installs for
        using Process process = Process.Start(new ProcessStartInfo(python, [Path.Combine(Tools, tool), .. arguments]) { UseShellExecute = false })!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{tool} ended with {process.ExitCode}; tools/requirements.txt names what it needs, PYTHON another interpreter.");
    }
}
