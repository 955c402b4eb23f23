using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using BenchmarkDotNet.Attributes;

namespace AsArm.Perf;

/// <summary>
/// What the managed part of a whole request costs, from its construction to the last of 64 tokens, with a model that only copies
/// logits.
/// </summary>
public class RequestBenchmarks
{
    private const int Targets = 64;

    private readonly Order _order = Order.LeftToRight([true, .. new bool[Targets]]);
    private readonly int[] _tokens = new int[Targets + 1];
    private readonly SamplingOptions _options = new() { DraftLength = 5 };
    private CopyingModel? _model;

    [Params(4096, 32_000)]
    public int VocabularySize { get; set; }

    [GlobalSetup]
    public void Setup() => _model = new CopyingModel(VocabularySize, _order.Length);

    [Benchmark(Baseline = true)]
    public int Sequential() => Run(new SequentialSampler(_order, _tokens, _options, VocabularySize));

    [Benchmark]
    public int AssdK5() => Run(new AssdSampler(_order, _tokens, _options, VocabularySize));

    private int Run(Sampler sampler)
    {
        new SamplingLoop(_model!, [sampler], [new SplitMix64(1)]).Run(CancellationToken.None);
        return sampler.Statistics.Nfe;
    }
}
