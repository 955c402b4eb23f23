using System.Diagnostics;
using AsArm.Assd.Models;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Onnx.Stateless;

namespace AsArm.Perf.Cache;

/// <summary>Forward passes of one shape through the stateless and the cached graph by turns; the stateless one encodes everything in each.</summary>
internal sealed class ForwardPassTimes(IAnySubsetModel model, int length, int batch, int maxQueries)
{
    private static readonly TimeSpan s_enough = TimeSpan.FromSeconds(15);

    private readonly ForwardPassTimer _timer = new(model, length, batch, maxQueries);

    /// <summary>Milliseconds of passes of one shape, by turns: a dozen of each for one sequence, one of each for a batch (up to a minute).</summary>
    public (Times Stateless, Times Cached) Measure(StatelessOnnxModel stateless, CachedOnnxModel cached, int content, int queries)
    {
        Time(cached, content, queries);
        Time(cached, content, queries);
        var times = (Stateless: new Times(), Cached: new Times());
        var total = Stopwatch.StartNew();
        while (times.Stateless.Count == 0 || (batch == 1 && total.Elapsed < s_enough && times.Stateless.Count < 12))
        {
            times.Stateless.Add(Time(stateless, content, queries));
            times.Cached.Add(Time(cached, content, queries));
        }

        return times;
    }

    /// <summary>Frees the places in the cache.</summary>
    public void Release(CachedOnnxModel cached) => _timer.Release(cached);

    /// <summary>Milliseconds of one pass.</summary>
    public double Time(OnnxAnySubsetModel graph, int content, int queries) => _timer.Time(graph, content, queries);
}
