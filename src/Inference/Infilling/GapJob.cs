using System.Diagnostics;
using System.Security.Cryptography;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Gaps;

namespace AsArm.Inference.Infilling;

/// <summary>A request to fill gaps of which more or less is known than the number of tokens, step by step (<see cref="GapFilling" />).</summary>
internal sealed class GapJob : IInfillJob
{
    private readonly GapFilling _filling;
    private readonly IEnumerator<IReadOnlyList<SequenceTask>> _steps;
    private readonly Stopwatch _time = new();
    private readonly long _seed;
    private IReadOnlyList<SequenceTask> _step = [];
    private Sampler?[] _samplers = [];
    private int _passes;
    private InfillResult? _result;

    /// <param name="text">The text.</param>
    /// <param name="options">The options of the request.</param>
    /// <param name="setting">The settings of the infiller. Its n-grams are read only during <see cref="Start" /> and forward passes.</param>
    /// <param name="mode">The draft mode.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public GapJob(GapText text, InfillOptions options, InfillSetting setting, DraftMode mode)
    {
        _seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        options.RequireRanges(setting.Manifest.VocabularySize);
        options.RequireNoPositions();
        InfillOptions.Require(
            options.Order == DecodingOrder.LeftToRight, nameof(InfillOptions.Order), options.Order, "must be left-to-right where not just the number of tokens is known of a gap, or gaps have to meet a condition");
        InfillOptions.Require(
            options.Sampler != SamplerKind.Parallel || !text.HasConditions, nameof(InfillOptions.Sampler), options.Sampler, "must not be parallel where gaps have to meet a condition");
        _filling = new GapFilling(text, options, setting, mode, new SplitMix64(_seed));
        _steps = _filling.Steps().GetEnumerator();
        MoveNext();
    }

    /// <inheritdoc />
    public int SequenceCount => _step.Count;

    /// <inheritdoc />
    public bool HasMore => _step.Count > 0;

    /// <inheritdoc />
    public (Sampler Sampler, IRandomSource Random) Start(int index)
    {
        _time.Start();
        (Sampler sampler, IRandomSource random) = _step[index].Start();
        return (_samplers[index] = sampler, random);
    }

    /// <inheritdoc />
    public void OnForwardPass() => _passes++;

    /// <inheritdoc />
    public void EndSequence(int index)
    {
        _filling.Count(_samplers[index]!.Statistics);
        _step[index].End(_samplers[index]!);
        _samplers[index] = null;
    }

    /// <inheritdoc />
    public void MoveNext()
    {
        while (_steps.MoveNext())
        {
            (_step, _samplers) = (_steps.Current, new Sampler?[_steps.Current.Count]);
            if (_step.Count > 0)
                return;
        }

        _step = [];
        _time.Stop();
    }

    /// <inheritdoc />
    public InfillResult Result() => _result ??= _filling.Result(_seed, _time.Elapsed, _passes);
}
