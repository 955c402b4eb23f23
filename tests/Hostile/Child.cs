using System.Diagnostics;
using System.Globalization;
using AsArm.Assd.Models;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;
using AsArm.Inference.Verification;

namespace AsArm.Hostile;

/// <summary>Opens damaged folders one after another. It runs in a process of its own, which a folder may crash.</summary>
internal static class Child
{
    private const string Text = "q1 <mask:3> cd", Scored = "q1 [[cd]]";

    /// <summary>Writes two lines for each folder: one with the damage before it is opened, one with the time, the peak memory and the outcome.</summary>
    public static int Run(int from, int to)
    {
        for (int number = from; number < to; number++)
        {
            string folder = Directory.CreateTempSubdirectory("asarm-hostile-").FullName;
            try
            {
                WriteLine($"begin {number} {(number < 0 ? "control" : Mutation.Apply(number, folder))}");
                ResetPeak();
                long start = Stopwatch.GetTimestamp();
                string outcome = number < 0 ? Controls.DoHarm(number) : Use(folder);
                WriteLine(string.Create(CultureInfo.InvariantCulture, $"end {number} {Stopwatch.GetElapsedTime(start).TotalSeconds:0.000} {Peak()} {outcome}"));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        return 0;
    }

    /// <summary>Uses a folder. Returns "used" on success, "refused" for documented exceptions, else the exception.</summary>
    public static string Use(string folder)
    {
        string outcome = "used";
        foreach (Action<string> use in new Action<string>[] { path => Replay(path, useCache: false), path => Replay(path, useCache: true), Fill })
        {
            try
            {
                use(folder);
            }
            catch (Exception error) when (error is ModelFolderException or ModelRunException or ModelOutputException or InfillTextException && IsOneLine(error.Message))
            {
                outcome = "refused";
            }
#pragma warning disable CA1031 // Any other exception is a fault to report.
            catch (Exception error)
#pragma warning restore CA1031
            {
                return $"fault {error.GetType().Name}: {error.Message} {error.StackTrace}".ReplaceLineEndings(" ");
            }
        }

        return outcome;
    }

    private static bool IsOneLine(string message) => message.Length > 0 && !message.Contains('\n', StringComparison.Ordinal);

    private static void Replay(string path, bool useCache)
    {
        ModelFolder folder = ModelFolder.Open(path);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder, threads: 1, useCache: useCache);
        if (folder.GoldenPath is string golden)
            GoldenReplay.Run(model, golden);
    }

    private static void Fill(string path)
    {
        if (!File.Exists(Path.Combine(path, "spiece.model")) && !ModelFolder.Open(path).HasTokenizer)
            return;
        using TextInfiller infiller = TextInfiller.Open(path, new() { Threads = 1 });
        if (!infiller.Folder.HasTokenizer)
            return;
        infiller.Infill(Text, new InfillOptions { Seed = 1 });
        infiller.Score(Scored);
    }

    private static void WriteLine(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    /// <summary>Resets the peak of the memory of this process.</summary>
    private static void ResetPeak()
    {
        GC.Collect();
        File.WriteAllText("/proc/self/clear_refs", "5");
    }

    /// <summary>The peak of the memory of this process, in kilobytes.</summary>
    private static long Peak() => ProcessStatus.Kilobytes("self", "VmHWM");
}
