using System.Diagnostics;
using AsArm.Assd.Samplers;
using AsArm.Cli.Bench;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Perf.Samplers;

/// <summary>Fills the texts of `asarm bench` as TextInfiller does, one step at a time, so that every call can be looked at.</summary>
internal sealed class SampledTexts : IDisposable
{
    private readonly OnnxAnySubsetModel _model;
    private readonly InfillTokenizer _tokenizer;
    private readonly InfillSetting _setting;
    private readonly ModelFolder _folder;

    /// <summary>Opens a model folder with a tokenizer.</summary>
    /// <exception cref="ModelFolderException">It cannot be used.</exception>
    public SampledTexts(string path)
    {
        _folder = ModelFolder.Open(path);
        ModelManifest manifest = _folder.Manifest;
        _tokenizer = InfillTokenizer.Open(_folder.TokenizerPath ?? throw new ModelFolderException($"{path} has no tokenizer."), manifest);
        _model = OnnxModelLoader.Open(_folder);
        int[] banned = [.. Enumerable.Range(0, manifest.VocabularySize).Where(token => !_tokenizer.IsText(token))];
        _setting = new InfillSetting(manifest, Device.Cpu, banned, NgramFile.Read(_folder));
    }

    public string Name => _folder.Name;

    /// <summary>Fills some texts of a kind in one batch.</summary>
    /// <param name="kind">The kind of text.</param>
    /// <param name="first">The first of them.</param>
    /// <param name="count">How many; behind the last text come the first ones again, with other seeds.</param>
    /// <param name="options">How; the seed is that of text 0.</param>
    /// <param name="tally">Takes the observation.</param>
    public void Fill(BenchKind kind, int first, int count, InfillOptions options, SamplerTally tally)
    {
        long begin = Stopwatch.GetTimestamp();
        InfillJob[] jobs = [.. Enumerable.Range(first, count).Select(i => CreateJob(kind, i, options, mode: count > 1 ? DraftMode.Throughput : DraftMode.Latency))];
        using var loop = new SamplingLoop(_model);
        foreach (InfillJob job in jobs)
            job.Start(loop);
        Step(loop, jobs);
        (int tokens, int content, int queries) = Totals(jobs);
        int firstTokens = tokens;
        double later = 0;
        var rows = new List<(int, int)>();
        while (loop.Count > 0)
        {
            long start = Stopwatch.GetTimestamp();
            Step(loop, jobs);
            later += Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            (int Content, int Queries) before = (content, queries);
            (tokens, content, queries) = Totals(jobs);
            rows.Add((content - before.Content, queries - before.Queries));
        }

        double all = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        InfillResult[] results = [.. jobs.Select(job => job.Result())];
        tally.Add(new Observation(tokens, results.Sum(result => result.Statistics.Nfe), all, tokens - firstTokens, later, rows), results);
    }

    public void Dispose()
    {
        _model.Dispose();
    }

    private InfillJob CreateJob(BenchKind kind, int text, InfillOptions options, DraftMode mode) => new(
        new WindowedText(
            TextMarkup.Parse(BenchTexts.Get(kind, text % BenchTexts.Count), spans: false), new SegmentEncoder(_tokenizer, _folder.Manifest, GapSpacing.AsTyped), mayCut: false),
        options with { Seed = options.Seed + text },
        _setting,
        mode);

    private static void Step(SamplingLoop loop, InfillJob[] jobs)
    {
        loop.Step(CancellationToken.None);
        foreach (InfillJob job in jobs)
            job.CompleteWindow(); // makes the text of those that are done
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
