using System.Diagnostics;
using AsArm.Assd.Samplers;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Perf.Concurrency;

/// <summary>A request without queue, tasks and threads: encoding, the sampling loop and decoding, one after the other.</summary>
internal static class BareLoop
{
    public static double Seconds(TextInfiller infiller, InfillRequest request)
    {
        double seconds = 0;
        infiller.RunExclusive(model =>
        {
            long start = Stopwatch.GetTimestamp();
            var encoder = new SegmentEncoder(infiller.InfillTokenizer, infiller.Folder.Manifest, request.Options.GapSpacing);
            var job = new InfillJob(new WindowedText(InfillPrompt.Parse(request.Text).Segments, encoder, mayCut: false), request.Options, infiller.Setting, DraftMode.Latency);
            (Sampler sampler, var random) = job.Start(0);
            using var loop = new SamplingLoop(model, [sampler], [random]);
            loop.Run(CancellationToken.None);
            job.EndSequence(0);
            _ = job.Result();
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        return seconds;
    }
}
