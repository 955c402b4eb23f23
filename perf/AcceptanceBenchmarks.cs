using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;
using BenchmarkDotNet.Attributes;

namespace AsArm.Perf;

/// <summary>The end of a speculation step: five acceptance tests and a draw from the residual, against the softmax of one row.</summary>
public class AcceptanceBenchmarks
{
    private const int DraftLength = 5;

    private float[] _logits = [];
    private float[] _draft = [];
    private float[] _oracle = [];
    private float[] _residual = [];
    private SplitMix64? _random;

    [Params(4096, 32_000)]
    public int VocabularySize { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _logits = Rows.Random(VocabularySize, seed: 1);
        _draft = Rows.Random(VocabularySize, seed: 2);
        _oracle = Rows.Random(VocabularySize, seed: 3);
        _residual = new float[VocabularySize];
        _random = new SplitMix64(1);
        Probabilities.Softmax(_draft);
        Probabilities.Softmax(_oracle);
    }

    [Benchmark(Baseline = true)]
    public int Softmax()
    {
        _logits.CopyTo(_residual.AsSpan());
        Probabilities.Softmax(_residual);
        return _residual.Length;
    }

    [Benchmark]
    public int AcceptAndReplace()
    {
        int accepted = 0;
        for (int token = 0; token < DraftLength; token++)
            accepted += RejectionSampling.Accepts(_random!.NextDouble(), _draft[token], _oracle[token]) ? 1 : 0;
        return accepted + RejectionSampling.Replace(_oracle, _draft, _residual, _random!.NextDouble());
    }

    [Benchmark]
    public int Sample() => Probabilities.Sample(_oracle, _random!.NextDouble());
}
