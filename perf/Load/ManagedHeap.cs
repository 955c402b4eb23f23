using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;
using Microsoft.Diagnostics.Tracing.Parsers;

namespace AsArm.Perf.Load;

/// <summary>The managed heap of another process.</summary>
internal static class ManagedHeap
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    /// <summary>Makes a process collect its garbage; the bytes of the objects that are left. Null if it does not tell.</summary>
    public static long? CollectAndMeasure(int process)
    {
        var provider = new EventPipeProvider("Microsoft-Windows-DotNETRuntime", EventLevel.Informational, (long)(ClrTraceEventParser.Keywords.GC | ClrTraceEventParser.Keywords.GCHeapCollect));
        using EventPipeSession session = new DiagnosticsClient(process).StartEventPipeSession([provider], requestRundown: false);
        using var source = new EventPipeEventSource(session.EventStream);
        var collected = new TaskCompletionSource<long>();
        source.Clr.GCHeapStats += stats => collected.TrySetResult(stats.TotalHeapSize);
        Task reading = Task.Run(source.Process);
        bool isKnown = Task.WhenAny(collected.Task, Task.Delay(s_limit)).GetAwaiter().GetResult() == collected.Task;
        session.Stop();
        reading.Wait(s_limit);
        return isKnown ? collected.Task.Result : null;
    }
}
