using AsArm.Assd;
using BenchmarkDotNet.Attributes;

namespace AsArm.Perf;

/// <summary>One row of logits to the law that is sampled, with and without warps.</summary>
public class SamplingLawBenchmarks
{
    private float[] _logits = [];
    private float[] _row = [];
    private SamplingLaw? _plain;
    private SamplingLaw? _temperature;
    private SamplingLaw? _topK;
    private SamplingLaw? _topP;

    [Params(4096, 32_000)]
    public int VocabularySize { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _logits = Rows.Random(VocabularySize, seed: 1);
        _row = new float[VocabularySize];
        _plain = new SamplingLaw(new(), VocabularySize);
        _temperature = new SamplingLaw(new() { Temperature = 0.8, BannedTokens = [6] }, VocabularySize);
        _topK = new SamplingLaw(new() { TopK = 50 }, VocabularySize);
        _topP = new SamplingLaw(new() { TopP = 0.9 }, VocabularySize);
    }

    [Benchmark(Baseline = true)]
    public int Plain() => Run(_plain!);

    [Benchmark]
    public int TemperatureAndBan() => Run(_temperature!);

    [Benchmark]
    public int TopK50() => Run(_topK!);

    [Benchmark]
    public int TopP90() => Run(_topP!);

    private int Run(SamplingLaw law)
    {
        _logits.CopyTo(_row.AsSpan());
        law.ToProbabilities(_row);
        return _row.Length;
    }
}
