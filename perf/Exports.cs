using System.Diagnostics;

namespace AsArm.Perf;

/// <summary>Models for measurements of XLNet-base size with random weights, exported once into a folder of the user's cache.</summary>
internal static class Exports
{
    private static readonly string s_cache = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "asarm", "perf");

    /// <summary>The model folder of base size for texts of some length; made by tools/export if it is not there (a minute, 1 GB of disk).</summary>
    /// <exception cref="InvalidOperationException">A tool failed.</exception>
    public static string Base(int maxLength, string precision = "fp32") => Base(maxLength, precision, precision == "fp32" ? "" : "-" + precision);

    /// <summary>The same in float32 with the tokenizer of the default model, which has a quarter of the vocabulary: for measurements that need texts.</summary>
    /// <exception cref="InvalidOperationException">A tool failed.</exception>
    public static string BaseWithTokenizer(int maxLength) =>
        Base(maxLength, "fp32", "-text", "--tokenizer", Path.Combine(RepositoryRoot(), "models", "english-18m", "spiece.model"));

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

    /// <summary>A tool of tools/export that goes on running, with its input and output redirected.</summary>
    public static Process Start(string tool, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Python, [Path.Combine(Tools, tool), .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    /// <summary>The checkout that this was built in.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "AsArm.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("Run this from a checkout of the repository: it needs tools/export.");
    }

    private static string Base(int maxLength, string precision, string suffix, params string[] options)
    {
        string model = Path.Combine(s_cache, $"base-{maxLength}{suffix}-{ToolsStamp()}");
        if (!Directory.Exists(model))
            RunTool("export.py", ["--checkpoint", BaseCheckpoint(), "--maximum-length", $"{maxLength}", "--precision", precision, "--output", model, .. options]);
        return model;
    }

    private static string Python => Environment.GetEnvironmentVariable("PYTHON") ?? "/usr/bin/python3"; // the one that .ci/run installs for

    private static string Tools => Path.Combine(RepositoryRoot(), "tools", "export");

    /// <summary>Another exporter makes another folder: a short hash of the tools' sources.</summary>
    private static string ToolsStamp()
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (string file in Directory.GetFiles(Path.Combine(RepositoryRoot(), "tools", "asarm_tools"), "*.py", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            hash.AppendData(File.ReadAllBytes(file));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }

    private static void RunTool(string tool, params string[] arguments)
    {
        Console.Error.WriteLine($"{tool} {string.Join(' ', arguments)}");
        using Process process = Process.Start(new ProcessStartInfo(Python, [Path.Combine(Tools, tool), .. arguments]) { RedirectStandardOutput = true })!;
        Console.Error.Write(process.StandardOutput.ReadToEnd()); // the standard output is for the report
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{tool} ended with {process.ExitCode}; tools/requirements.txt names what it needs, PYTHON another interpreter.");
    }
}
