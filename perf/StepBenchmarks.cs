using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using BenchmarkDotNet.Attributes;

namespace AsArm.Perf;

/// <summary>
/// One step of the loop in steady state, with a model that only copies logits: plan, call, softmax, accept. The sequence is longer
/// than any benchmark lasts.
/// </summary>
public class StepBenchmarks : IDisposable
{
    private const int Targets = 1 << 22;

    private CopyingModel? _model;
    private float[] _row = [];
    private SamplingLoop? _sequential;
    private SamplingLoop? _assd;
    private SamplingLoop? _fused;
    private SamplingLoop? _fusedNetwork;
    private SamplingLoop? _fusedHead;

    [Params(4096, 32_000)]
    public int VocabularySize { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var order = Order.LeftToRight([true, .. new bool[Targets]]);
        var tokens = new int[Targets + 1];
        _model = new CopyingModel(VocabularySize, order.Length);
        _row = new float[VocabularySize];
        _sequential = new(_model, [new SequentialSampler(order, tokens, new(), VocabularySize)], [new SplitMix64(1)]);
        _assd = new(_model, [new AssdSampler(order, tokens, new() { DraftLength = 5 }, VocabularySize)], [new SplitMix64(1)]);
        var plan = new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(20), 4); // as no draft of such a model would pay
        _fused = new(_model, [new FusedSampler(order, tokens, new(), VocabularySize, plan)], [new SplitMix64(1)]);
        _fusedNetwork = new(_model, [new FusedSampler(order, tokens, new(), VocabularySize, new RowPolicy(DraftSource.Network, 4))], [new SplitMix64(1)]);
        _fusedHead = new(_model, [new FusedSampler(order, tokens, new(), VocabularySize, new RowPolicy(DraftSource.Head, 4), head: RandomDraftHead.Create(VocabularySize, _model.StateSize))], [new SplitMix64(1)]);
    }

    /// <summary>What the model itself does for one row: the floor.</summary>
    [Benchmark(Baseline = true)]
    public int CopyOneRow()
    {
        _model!.Answer(new Conditional(1, 1), _row);
        return _row.Length;
    }

    /// <summary>One call, one token.</summary>
    [Benchmark]
    public int Sequential() => Step(_sequential!);

    /// <summary>One call: by turns 5 draft queries and 4 oracle rows.</summary>
    [Benchmark]
    public int AssdK5() => Step(_assd!);

    /// <summary>One call: 4 draft tokens from the sequence's own bigrams, their verification and a bonus row.</summary>
    [Benchmark]
    public int FusedK4() => Step(_fused!);

    /// <summary>One call: 4 draft tokens from rows, their verification, a bonus row and 4 draft queries for each outcome.</summary>
    [Benchmark]
    public int FusedNetworkK4() => Step(_fusedNetwork!);

    /// <summary>The same with a draft head of the size of the default model's: what it takes more is the head's.</summary>
    [Benchmark]
    public int FusedHeadK4() => Step(_fusedHead!);

    /// <summary>Gives up the unfinished sequences.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _sequential?.Dispose();
        _assd?.Dispose();
        _fused?.Dispose();
        _fusedNetwork?.Dispose();
        _fusedHead?.Dispose();
    }

    private static int Step(SamplingLoop loop) =>
        loop.Step(CancellationToken.None) ? 1 : throw new InvalidOperationException("The sequence came to its end.");
}
