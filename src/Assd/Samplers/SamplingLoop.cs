using System.Runtime.ExceptionServices;
using AsArm.Assd.Models;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Runs one or many samplers with continuous batching: one forward pass per step for all unfinished sequences. Each sequence has its own
/// random source, so its result does not depend on the batch as long as the rows of the model do not. A sequence leaves when it is done, or
/// when its logits are NaN or infinite; others may enter between two steps.
/// </summary>
public sealed class SamplingLoop : IDisposable
{
    /// <summary>The number of logits of a pass from which on they are processed on several threads: 1.6 ms of work.</summary>
    private const int MinLogitsForThreads = 1 << 19;

    private readonly IAnySubsetModel _model;
    private readonly List<Sampler> _samplers = [];
    private readonly List<IRandomSource> _random = [];
    private SequenceState[] _states = [];
    private ModelOutputException?[] _failures = []; // of the current step

    /// <summary>A loop without sequences.</summary>
    /// <param name="model">The model of all sequences.</param>
    public SamplingLoop(IAnySubsetModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
    }

    /// <summary>A loop over one or many sequences.</summary>
    /// <param name="model">The model of all sequences.</param>
    /// <param name="samplers">One per sequence.</param>
    /// <param name="random">One per sequence.</param>
    /// <exception cref="ArgumentException">
    /// The numbers of random sources and samplers differ, or a sequence does not fit the model, see <see cref="Add" />.
    /// </exception>
    public SamplingLoop(IAnySubsetModel model, IReadOnlyList<Sampler> samplers, IReadOnlyList<IRandomSource> random)
        : this(model)
    {
        ArgumentNullException.ThrowIfNull(samplers);
        ArgumentNullException.ThrowIfNull(random);
        if (samplers.Count != random.Count)
            throw new ArgumentException($"{samplers.Count} samplers but {random.Count} random sources.", nameof(random));
        for (int i = 0; i < samplers.Count; i++)
            Add(samplers[i], random[i]);
    }

    /// <summary>
    /// Called within <see cref="Step" /> for a sequence that was removed because its logits are NaN or infinite; the others go on. If null,
    /// <see cref="Step" /> throws.
    /// </summary>
    public Action<Sampler, ModelOutputException>? OnFailure { get; init; }

    /// <summary>
    /// Lets large batches process their logits on several threads of the pool; results are the same. Random sources must not be shared by sequences
    /// then, and what draft policies share must be thread-safe.
    /// </summary>
    public bool UsesThreads { get; init; }

    /// <summary>The number of unfinished sequences.</summary>
    public int Count => _samplers.Count;

    /// <summary>Adds a sequence; ignored if it is already done.</summary>
    /// <exception cref="ArgumentException">The sequence is too long for the model, has another vocabulary size, or asks for states that the model does not return.</exception>
    public void Add(Sampler sampler, IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(random);
        if (sampler.State.Order.Length > _model.MaxLength)
            throw new ArgumentException($"{sampler.State.Order.Length} tokens, but the model takes at most {_model.MaxLength}.", nameof(sampler));
        if (sampler.State.VocabularySize != _model.VocabularySize)
            throw new ArgumentException($"The sampler has a vocabulary of {sampler.State.VocabularySize} tokens, the model one of {_model.VocabularySize}.", nameof(sampler));
        if (sampler.State.StateSize != 0 && sampler.State.StateSize != _model.StateSize)
            throw new ArgumentException($"The sampler asks for states of {sampler.State.StateSize} numbers, the model returns {_model.StateSize}.", nameof(sampler));
        if (sampler.IsDone)
            return;
        _samplers.Add(sampler);
        _random.Add(random);
        if (_states.Length < _samplers.Count)
        {
            Array.Resize(ref _states, Math.Max(_samplers.Count, 2 * _states.Length));
            Array.Resize(ref _failures, _states.Length);
        }
    }

    /// <summary>Runs until every sequence is done.</summary>
    /// <exception cref="OperationCanceledException">Cancelled between or within forward passes; the loop can go on.</exception>
    /// <exception cref="ModelOutputException">
    /// A logit is NaN or infinite, and <see cref="OnFailure" /> is null. That sequence was removed; all others processed their logits and
    /// can go on.
    /// </exception>
    public void Run(CancellationToken cancellationToken)
    {
        while (Step(cancellationToken))
        {
        }
    }

    /// <summary>Runs one forward pass; false if there is no unfinished sequence. Allocates nothing, unless it uses threads.</summary>
    /// <inheritdoc cref="Run" />
    public bool Step(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_samplers.Count == 0)
            return false;
        for (int i = 0; i < _samplers.Count; i++)
        {
            _samplers[i].Prepare(_random[i]);
            _states[i] = _samplers[i].State;
        }

        _model.Evaluate(_states.AsSpan(0, _samplers.Count), cancellationToken);
        ProcessLogits();
        ModelOutputException? failure = null;
        for (int i = _samplers.Count - 1; i >= 0; i--)
            failure = EndStep(i) ?? failure;
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
        return true;
    }

    /// <summary>Removes an unfinished sequence, and releases what the model keeps for it; false if it is not in the loop.</summary>
    /// <param name="sampler">The sampler of the sequence.</param>
    public bool Remove(Sampler sampler)
    {
        int index = _samplers.IndexOf(sampler);
        if (index >= 0)
            RemoveAt(index);
        return index >= 0;
    }

    /// <summary>Removes the unfinished sequences, and releases what the model keeps for them.</summary>
    public void Dispose()
    {
        while (_samplers.Count > 0)
            RemoveAt(_samplers.Count - 1);
    }

    /// <summary>
    /// Lets all sequences process their logits. Each has its own state and random numbers, so that many rows are worth several threads: a row of
    /// 32,000 logits takes a tenth of a millisecond, and on a GPU 64 sequences have hundreds of rows in a pass of milliseconds.
    /// </summary>
    private void ProcessLogits()
    {
        if (UsesThreads && _samplers.Count > 1 && LogitCount() >= MinLogitsForThreads)
            ProcessLogitsOnThreads();
        else
        {
            for (int i = 0; i < _samplers.Count; i++)
                ProcessLogits(i);
        }
    }

    private void ProcessLogitsOnThreads()
    {
        try
        {
            Parallel.For(0, _samplers.Count, ProcessLogits);
        }
        catch (AggregateException error)
        {
            ExceptionDispatchInfo.Throw(error.InnerException!);
        }
    }

    private void ProcessLogits(int index)
    {
        _failures[index] = null;
        try
        {
            _samplers[index].ProcessLogits(_random[index]);
        }
        catch (ModelOutputException error)
        {
            _failures[index] = error;
        }
    }

    private long LogitCount()
    {
        long count = 0;
        foreach (Sampler sampler in _samplers)
            count += sampler.State.Logits.Length;
        return count;
    }

    /// <summary>Removes a sequence if it is done or failed.</summary>
    /// <returns>A failure for which there is no <see cref="OnFailure" />.</returns>
    private ModelOutputException? EndStep(int index)
    {
        Sampler sampler = _samplers[index];
        ModelOutputException? error = _failures[index];
        _failures[index] = null;
        if (error is null && !sampler.IsDone)
            return null;
        RemoveAt(index);
        if (error is null)
            return null;
        if (OnFailure is null)
            return error;
        OnFailure(sampler, error);
        return null;
    }

    private void RemoveAt(int index)
    {
        _model.Release(_samplers[index].State);
        _samplers.RemoveAt(index);
        _random.RemoveAt(index);
    }
}
