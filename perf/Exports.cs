using System.Diagnostics;

namespace AsArm.Perf;

/// <summary>Models for measurements, exported once into a folder of the user's cache: one of XLNet-base size with random weights, and the
/// committed one in other precisions.</summary>
internal static class Exports
{
    private static readonly string s_cache = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "asarm", "perf");

    /// <summary>The model folder of base size for texts of some length; made by tools/export if it is not there (a minute, 1 GB of disk).</summary>
    /// <exception cref="InvalidOperationException">A tool failed.</exception>
    public static string Base(int maximumLength, string precision = "fp32")
    {
        string suffix = precision == "fp32" ? "" : "-" + precision;
        string model = Path.Combine(s_cache, $"base-{maximumLength}{suffix}-{ToolsStamp()}");
        if (!Directory.Exists(model))
            RunTool("export.py", "--checkpoint", BaseCheckpoint(), "--maximum-length", $"{maximumLength}", "--precision", precision, "--output", model);
        return model;
    }

    /// <summary>The checkpoint of base size.</summary>
    public static string BaseCheckpoint()
    {
        string checkpoint = Path.Combine(s_cache, "base-checkpoint");
        if (!Directory.Exists(checkpoint))
        {
            Directory.CreateDirectory(s_cache);
            RunTool("random_checkpoint.py", "--output", checkpoint, "--size", "base");
        }

        return checkpoint;
    }

    /// <summary>The committed model in a precision, rounded for a calibration text.</summary>
    public static string Committed(string precision, string calibration)
    {
        string folder = Path.Combine(RepositoryRoot(), "models", "stories-en-6m");
        string text = Stamp(File.ReadAllBytes(calibration));
        string weights = Stamp(File.ReadAllBytes(Path.Combine(folder, "asarm.json"))); // it has the hashes of all other files
        string checkpoint = Path.Combine(s_cache, $"stories-{weights}-{ToolsStamp()}"), model = $"{checkpoint}-{precision}-{text}";
        if (!Directory.Exists(checkpoint))
        {
            Directory.CreateDirectory(s_cache);
            RunTool("recover.py", "--model", folder, "--output", checkpoint);
        }

        string[] calibrated = precision is "int8" or "int4" ? ["--calibration", calibration] : [];
        if (!Directory.Exists(model))
            RunTool("export.py", ["--checkpoint", checkpoint, "--tokenizer", Path.Combine(folder, "spiece.model"), "--precision", precision, .. calibrated, "--output", model]);
        return model;
    }

    /// <summary>A tool of tools/export that goes on running, with its input and output redirected.</summary>
    public static Process Start(string tool, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Python, [Path.Combine(Tools, tool), .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    private static string Python => Environment.GetEnvironmentVariable("PYTHON") ?? "/usr/bin/python3"; // the one that .ci/run installs for

    private static string Tools => Path.Combine(RepositoryRoot(), "tools", "export");

    /// <summary>Another exporter makes another folder: a short hash of the tools' sources.</summary>
    private static string ToolsStamp()
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (string file in Directory.GetFiles(Tools, "*.py").Order(StringComparer.Ordinal))
            hash.AppendData(File.ReadAllBytes(file));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }

    private static string Stamp(byte[] content) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content))[..8];

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
        using Process process = Process.Start(new ProcessStartInfo(Python, [Path.Combine(Tools, tool), .. arguments]) { UseShellExecute = false })!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{tool} ended with {process.ExitCode}; tools/requirements.txt names what it needs, PYTHON another interpreter.");
    }
}
