using System.Diagnostics;
using AsArm.Assd.Models;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Text;

namespace AsArm.Benchmarks.Samplers;

/// <summary>Fills the texts of the benchmark as <see cref="TextInfiller.InfillBatch" /> does, one step at a time, so that every forward pass can be looked at.</summary>
/// <param name="infiller">The model; nobody else may use it meanwhile.</param>
internal sealed class StepwiseInfiller(TextInfiller infiller)
{
    private readonly InfillTokenizer _tokenizer = infiller.InfillTokenizer;
    private readonly ModelManifest _manifest = infiller.Folder.Manifest;

    /// <summary>Fills some texts of a kind in one batch.</summary>
    /// <param name="kind">The kind of text.</param>
    /// <param name="first">The first of them.</param>
    /// <param name="count">How many; behind the last text come the first ones again, with other seeds.</param>
    /// <param name="options">How; the seed is that of text 0.</param>
    /// <param name="cancellationToken">Stops within a forward pass.</param>
    public Observation Fill(TextKind kind, int first, int count, InfillOptions options, CancellationToken cancellationToken)
    {
        Observation? observation = null;
        infiller.RunExclusive(model => observation = Fill(model, kind, first, count, options, cancellationToken));
        return observation!;
    }

    private Observation Fill(IAnySubsetModel model, TextKind kind, int first, int count, InfillOptions options, CancellationToken cancellationToken)
    {
        long begin = Stopwatch.GetTimestamp();
        DraftMode mode = count > 1 ? DraftMode.Throughput : DraftMode.Latency;
        InfillJob[] jobs = [.. Enumerable.Range(first, count).Select(i => CreateJob(kind, i, options, mode))];
        using var loop = new SamplingLoop(model);
        var running = new List<(InfillJob Job, Sampler Sampler)>();
        foreach (InfillJob job in jobs)
        {
            (Sampler sampler, IRandomSource random) = job.Start(0);
            loop.Add(sampler, random);
            running.Add((job, sampler));
        }

        Step(loop, running, cancellationToken);
        (int tokens, int content, int queries) = Totals(jobs);
        int firstTokens = tokens;
        double later = 0;
        var processed = new List<(int, int)>();
        while (loop.Count > 0)
        {
            long start = Stopwatch.GetTimestamp();
            Step(loop, running, cancellationToken);
            later += Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            (int Content, int Queries) before = (content, queries);
            (tokens, content, queries) = Totals(jobs);
            processed.Add((content - before.Content, queries - before.Queries));
        }

        InfillResult[] results = [.. jobs.Select(job => job.Result())];
        double all = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        return new Observation(results, all, tokens - firstTokens, later, processed);
    }

    private InfillJob CreateJob(TextKind kind, int text, InfillOptions options, DraftMode mode) => new(
        new WindowedText(
            TextMarkup.Parse(BenchmarkTexts.Get(kind, text % BenchmarkTexts.Count), spans: false), new SegmentEncoder(_tokenizer, _manifest, options.GapSpacing), mayCut: false),
        options with { Seed = options.Seed + text },
        infiller.Setting,
        mode);

    private static void Step(SamplingLoop loop, List<(InfillJob Job, Sampler Sampler)> running, CancellationToken cancellationToken)
    {
        loop.Step(cancellationToken);
        running.RemoveAll(one =>
        {
            if (one.Sampler.IsDone)
                one.Job.EndSequence(0);
            return one.Sampler.IsDone;
        });
    }

    private static (int Tokens, int Content, int Queries) Totals(InfillJob[] jobs)
    {
        var total = (Tokens: 0, Content: 0, Queries: 0);
        foreach (InfillJob job in jobs)
        {
            SamplingStatistics statistics = job.Statistics;
            total = (total.Tokens + statistics.Generated, total.Content + statistics.ContentTokens, total.Queries + statistics.QueryTokens);
        }

        return total;
    }
}
