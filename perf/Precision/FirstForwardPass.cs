using System.Diagnostics;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Perf.Cache;

namespace AsArm.Perf.Precision;

/// <summary>Loading a model and its first call, in a process of its own: what a program that fills one text needs.</summary>
/// <param name="LoadMilliseconds">From the checked folder to an open session.</param>
/// <param name="PeakBytes">The peak of the process after the call; the runtime alone takes about 40 MB of it.</param>
internal sealed record FirstForwardPass(double LoadMilliseconds, long PeakBytes)
{
    public const string Argument = "--first-call";
    private const int Length = 128;

    /// <summary>In the child process: prints both.</summary>
    public static int RunChild(string path)
    {
        ModelFolder folder = ModelFolder.Open(path);
        long start = Stopwatch.GetTimestamp();
        using CachedOnnxModel model = CachedOnnxModel.Open(folder);
        double load = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        Order order = Sequences.WithGap(Length, 20);
        var state = new SequenceState(order, Sequences.Tokens(Length, model.VocabularySize, 1), model.VocabularySize, 5);
        for (int i = 0; i < 5; i++)
            state.AddQuery(new Conditional(order.GivenCount + i, order.GivenCount));
        model.Evaluate([state], CancellationToken.None);
        using var self = Process.GetCurrentProcess();
        Console.WriteLine($"{load:F1} {self.PeakWorkingSet64}");
        return 0;
    }

    /// <summary>Of a child process.</summary>
    public static FirstForwardPass Measure(string folder)
    {
        string[] printed = PeakMemory.Child("precision", Argument, folder).Split(' ');
        return new FirstForwardPass(double.Parse(printed[0]), long.Parse(printed[1]));
    }
}
