using AsArm.Assd.Distributions;
using BenchmarkDotNet.Attributes;

namespace AsArm.Perf;

/// <summary>One row of logits to probabilities, against a plain loop.</summary>
public class SoftmaxBenchmarks
{
    private float[] _logits = [];
    private float[] _row = [];

    [Params(4096, 32_000)]
    public int VocabularySize { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _logits = Rows.Random(VocabularySize, seed: 1);
        _row = new float[VocabularySize];
    }

    [Benchmark(Baseline = true)]
    public int PlainLoop()
    {
        float maximum = float.NegativeInfinity;
        foreach (float logit in _logits)
            maximum = Math.Max(maximum, logit);
        float sum = 0;
        for (int i = 0; i < _logits.Length; i++)
            sum += _row[i] = MathF.Exp(_logits[i] - maximum);
        for (int i = 0; i < _row.Length; i++)
            _row[i] /= sum;
        return _row.Length;
    }

    [Benchmark]
    public int Softmax()
    {
        _logits.CopyTo(_row.AsSpan());
        Probabilities.Softmax(_row);
        return _row.Length;
    }
}
