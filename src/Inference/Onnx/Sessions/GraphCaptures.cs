using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>
/// Decides which runs are captured as CUDA graphs. ONNX Runtime captures a run that has a new gpu_graph_id, and replays what it captured when the id
/// comes again: the kernels read and write the same addresses then, so an id belongs to one set of bound tensors. It frees captured graphs with the
/// session only; ids are never used again, and their number is bounded.
/// </summary>
/// <param name="limit">The largest number of graphs of a session; other shapes run as usual then.</param>
internal sealed class GraphCaptures(int limit = GraphCaptures.DefaultLimit)
{
    /// <summary>The default limit. A graph of some 600 kernels takes about a megabyte of the driver.</summary>
    public const int DefaultLimit = 512;

    /// <summary>The number of runs of a shape from which on it is worth capturing, as that takes three runs.</summary>
    private const int MinRuns = 2;

    private const string GraphId = "gpu_graph_id"; // a key of run options
    private int _captured;

    /// <summary>Number of graphs that were captured.</summary>
    public int Count => _captured;

    /// <summary>Options for runs that are neither captured nor replayed.</summary>
    public static void Exclude(RunOptions options) => options.AddRunConfigEntry(GraphId, "-1");

    /// <summary>Counts a run with these tensors, and gives them an id when it is time.</summary>
    /// <returns>The options of the run; null for a run as usual.</returns>
    public RunOptions? OptionsFor(BoundTensors tensors)
    {
        tensors.Runs++;
        if (tensors.CaptureOptions is null && tensors.Runs >= MinRuns && _captured < limit)
            tensors.CaptureOptions = NewOptions(++_captured);
        return tensors.CaptureOptions;
    }

    private static RunOptions NewOptions(int id)
    {
        var options = new RunOptions { LogSeverityLevel = OnnxSession.LogSeverity };
        options.AddRunConfigEntry(GraphId, id.ToString(CultureInfo.InvariantCulture));
        return options;
    }
}
