using System.Runtime.ExceptionServices;
using AsArm.Assd.Models;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// The loop: plan, call the model once for all unfinished sequences, take the logits. Each sequence has its own random numbers, so its
/// result does not depend on which others are in the batch, as far as the model's rows do not. A finished sequence leaves, and so does
/// one whose logits are NaN or infinite; others may enter between two steps.
/// </summary>
public sealed class SamplingLoop : IDisposable
{
    private readonly IAnySubsetModel _model;
    private readonly List<Sampler> _samplers = [];
    private readonly List<IRandomSource> _random = [];
    private SequenceState[] _states = [];

    /// <summary>A loop without sequences.</summary>
    /// <param name="model">Answers all of them.</param>
    public SamplingLoop(IAnySubsetModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
    }

    /// <summary>A loop over one or many sequences.</summary>
    /// <param name="model">Answers all of them.</param>
    /// <param name="samplers">One per sequence.</param>
    /// <param name="random">One per sequence.</param>
    /// <exception cref="ArgumentException">Not as many random sources as samplers, or a sequence too long for the model.</exception>
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
    /// Called within <see cref="Step" /> for a sequence whose logits are NaN or infinite; it has left, the others go on. Without it
    /// <see cref="Step" /> throws.
    /// </summary>
    public Action<Sampler, ModelOutputException>? OnFailure { get; init; }

    /// <summary>Sequences that are not finished.</summary>
    public int Count => _samplers.Count;

    /// <summary>Lets a sequence enter; one without anything to decide is finished at once.</summary>
    /// <exception cref="ArgumentException">A sequence too long for the model, or for another vocabulary.</exception>
    public void Add(Sampler sampler, IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(random);
        if (sampler.State.Order.Length > _model.MaxLength)
            throw new ArgumentException($"{sampler.State.Order.Length} tokens, the model takes {_model.MaxLength}.", nameof(sampler));
        if (sampler.State.VocabularySize != _model.VocabularySize)
            throw new ArgumentException($"A sampler for {sampler.State.VocabularySize} tokens, the model has {_model.VocabularySize}.", nameof(sampler));
        if (sampler.IsDone)
            return;
        _samplers.Add(sampler);
        _random.Add(random);
        if (_states.Length < _samplers.Count)
            Array.Resize(ref _states, Math.Max(_samplers.Count, 2 * _states.Length));
    }

    /// <summary>Decides every target of every sequence.</summary>
    /// <exception cref="OperationCanceledException">Cancelled between or within calls.</exception>
    /// <exception cref="ModelOutputException">
    /// A logit is NaN or infinite, and there is no <see cref="OnFailure" />. That sequence has left, all others took their logits and can go on.
    /// </exception>
    public void Run(CancellationToken cancellationToken)
    {
        while (Step(cancellationToken))
        {
        }
    }

    /// <summary>One forward pass; false when there was nothing left to do. Allocates nothing.</summary>
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
        ModelOutputException? failure = null;
        for (int i = _samplers.Count - 1; i >= 0; i--)
            failure = Take(i) ?? failure;
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
        return true;
    }

    /// <summary>Gives up the unfinished sequences, so that the model keeps nothing for them.</summary>
    public void Dispose()
    {
        while (_samplers.Count > 0)
            Remove(_samplers.Count - 1);
    }

    /// <summary>Hands its logits to a sequence, which leaves when it is finished or failed.</summary>
    /// <returns>A failure that nobody was told of.</returns>
    private ModelOutputException? Take(int index)
    {
        Sampler sampler = _samplers[index];
        try
        {
            sampler.ProcessLogits(_random[index]);
            if (sampler.IsDone)
                Remove(index);
            return null;
        }
        catch (ModelOutputException error)
        {
            Remove(index);
            if (OnFailure is null)
                return error;
            OnFailure(sampler, error);
            return null;
        }
    }

    private void Remove(int index)
    {
        _model.Release(_samplers[index].State);
        _samplers.RemoveAt(index);
        _random.RemoveAt(index);
    }
}
