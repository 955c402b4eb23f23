using AsArm.Assd.Distributions;
using BenchmarkDotNet.Attributes;

namespace AsArm.Perf;

/// <summary>One row of logits to the distribution that is sampled, with and without warps.</summary>
public class LogitsProcessorBenchmarks
{
    private float[] _logits = [];
    private float[] _row = [];
    private LogitsProcessor? _plain;
    private LogitsProcessor? _temperature;
    private LogitsProcessor? _topK;
    private LogitsProcessor? _topP;

    [Params(4096, 32_000)]
    public int VocabularySize { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _logits = Rows.Random(VocabularySize, seed: 1);
        _row = new float[VocabularySize];
        _plain = new LogitsProcessor(new(), VocabularySize);
        _temperature = new LogitsProcessor(new() { Temperature = 0.8, BannedTokens = [6] }, VocabularySize);
        _topK = new LogitsProcessor(new() { TopK = 50 }, VocabularySize);
        _topP = new LogitsProcessor(new() { TopP = 0.9 }, VocabularySize);
    }

    [Benchmark(Baseline = true)]
    public int Plain() => Run(_plain!);

    [Benchmark]
    public int TemperatureAndBan() => Run(_temperature!);

    [Benchmark]
    public int TopK50() => Run(_topK!);

    [Benchmark]
    public int TopP90() => Run(_topP!);

    private int Run(LogitsProcessor processor)
    {
        _logits.CopyTo(_row.AsSpan());
        processor.ToProbabilities(_row);
        return _row.Length;
    }
}
