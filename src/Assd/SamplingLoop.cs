using System.Runtime.ExceptionServices;

namespace AsArm.Assd;

/// <summary>
/// The loop: plan, call the model once for all unfinished sequences, take the logits. Each sequence has its own coins, so its
/// result does not depend on which others are in the batch, as far as the model's rows do not. A finished sequence leaves, and so does
/// one whose logits are NaN or infinite; others may enter between two steps.
/// </summary>
public sealed class SamplingLoop : IDisposable
{
    private readonly IAnySubsetModel _model;
    private readonly List<Sampler> _samplers = [];
    private readonly List<ICoinSource> _coins = [];
    private SequenceCall[] _calls = [];

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
    /// <param name="coins">One per sequence.</param>
    /// <exception cref="ArgumentException">Not as many coin sources as samplers, or a sequence too long for the model.</exception>
    public SamplingLoop(IAnySubsetModel model, IReadOnlyList<Sampler> samplers, IReadOnlyList<ICoinSource> coins)
        : this(model)
    {
        ArgumentNullException.ThrowIfNull(samplers);
        ArgumentNullException.ThrowIfNull(coins);
        if (samplers.Count != coins.Count)
            throw new ArgumentException($"{samplers.Count} samplers but {coins.Count} coin sources.", nameof(coins));
        for (int i = 0; i < samplers.Count; i++)
            Add(samplers[i], coins[i]);
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
    public void Add(Sampler sampler, ICoinSource coins)
    {
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(coins);
        if (sampler.Call.Order.Length > _model.MaximumLength)
            throw new ArgumentException($"{sampler.Call.Order.Length} tokens, the model takes {_model.MaximumLength}.", nameof(sampler));
        if (sampler.Call.VocabularySize != _model.VocabularySize)
            throw new ArgumentException($"A sampler for {sampler.Call.VocabularySize} tokens, the model has {_model.VocabularySize}.", nameof(sampler));
        if (sampler.IsDone)
            return;
        _samplers.Add(sampler);
        _coins.Add(coins);
        if (_calls.Length < _samplers.Count)
            Array.Resize(ref _calls, Math.Max(_samplers.Count, 2 * _calls.Length));
    }

    /// <summary>Decides every target of every sequence.</summary>
    /// <exception cref="OperationCanceledException">Cancelled between or within calls.</exception>
    /// <exception cref="ModelOutputException">
    /// A logit is NaN or infinite, and there is no <see cref="OnFailure" />. That sequence has left, all others took their logits and can go on.
    /// </exception>
    public void Run(CancellationToken cancellation)
    {
        while (Step(cancellation))
        {
        }
    }

    /// <summary>One model call; false when there was nothing left to do. Allocates nothing.</summary>
    /// <inheritdoc cref="Run" />
    public bool Step(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_samplers.Count == 0)
            return false;
        for (int i = 0; i < _samplers.Count; i++)
        {
            _samplers[i].Plan(_coins[i]);
            _calls[i] = _samplers[i].Call;
        }

        _model.Evaluate(_calls.AsSpan(0, _samplers.Count), cancellation);
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
            sampler.Take(_coins[index]);
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
        _model.Release(_samplers[index].Call);
        _samplers.RemoveAt(index);
        _coins.RemoveAt(index);
    }
}
