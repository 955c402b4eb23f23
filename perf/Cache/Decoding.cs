using System.Diagnostics;
using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Perf.Cache;

/// <summary>
/// Sequences under way in steady state: their prompts are in the cache and the shapes of their calls have been seen. Steps are taken
/// in portions, so that several of these can be measured by turns.
/// </summary>
internal sealed class Decoding : IDisposable
{
    private const int Gap = 120; // more than any measurement decides

    private readonly OnnxAnySubsetModel _model;
    private readonly (string Sampler, int Positions, int Batch) _what;
    private readonly Sampler[] _samplers;
    private readonly SamplingLoop _loop;
    private readonly Times _perToken = new(); // milliseconds per token of each portion
    private double _native;
    private double _total;
    private long _bytes;
    private int _steps;

    public Decoding(OnnxAnySubsetModel model, int length, int batch, bool sequential)
    {
        _model = model;
        _what = (sequential ? "sequential" : "assd", length, batch);
        var options = new SamplingOptions { BannedTokens = [6] };
        Order order = Sequences.WithGap(length, Gap);
        _samplers = [.. Enumerable.Range(0, batch).Select(i => Create(order, Sequences.Tokens(length, model.VocabularySize, i), options, sequential))];
        _loop = new SamplingLoop(model, _samplers, [.. Enumerable.Range(0, batch).Select(i => new SplitMix64(i))]);
    }

    /// <summary>What was measured so far.</summary>
    public DecodingRow Row => new(
        _what.Sampler, _what.Positions, _what.Batch, _perToken.Fastest, _perToken.Median, ManagedShare: 1 - _native / _total, BytesPerSpeculationStep: (double)_bytes / _steps);

    /// <summary>Steps that do not count: the prompts, and every shape of call.</summary>
    public void WarmUp(int steps)
    {
        for (int i = 0; i < steps; i++)
            _loop.Step(CancellationToken.None);
    }

    /// <summary>Some steps.</summary>
    public void Measure(int steps)
    {
        int committed = _samplers.Sum(sampler => sampler.Committed);
        TimeSpan native = _model.NativeTime;
        long bytes = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        for (int i = 0; i < steps; i++)
            _loop.Step(CancellationToken.None);
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        _bytes += GC.GetAllocatedBytesForCurrentThread() - bytes;
        _native += (_model.NativeTime - native).TotalMilliseconds;
        _total += elapsed;
        _steps += steps;
        _perToken.Add(elapsed / (_samplers.Sum(sampler => sampler.Committed) - committed));
    }

    public void Dispose() => _loop.Dispose();

    private static Sampler Create(Order order, int[] tokens, SamplingOptions options, bool sequential) => sequential
        ? new SequentialSampler(order, tokens, options, 32_000)
        : new AssdSampler(order, tokens, options, 32_000);
}
