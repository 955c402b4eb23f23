namespace AsArm.Assd;

/// <summary>
/// The loop: plan, call the model once for all unfinished sequences, take the logits. Each sequence has its own coins, so its
/// result does not depend on which others are in the batch, as far as the model's rows do not.
/// </summary>
public sealed class SamplingLoop
{
    private readonly IAnySubsetModel _model;
    private readonly Sampler[] _samplers;
    private readonly ICoinSource[] _coins;
    private readonly SequenceCall[] _calls;

    /// <summary>A loop over one or many sequences.</summary>
    /// <param name="model">Answers all of them.</param>
    /// <param name="samplers">One per sequence.</param>
    /// <param name="coins">One per sequence.</param>
    /// <exception cref="ArgumentException">Not as many coin sources as samplers, or a sequence too long for the model.</exception>
    public SamplingLoop(IAnySubsetModel model, IReadOnlyList<Sampler> samplers, IReadOnlyList<ICoinSource> coins)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(samplers);
        ArgumentNullException.ThrowIfNull(coins);
        if (samplers.Count != coins.Count)
            throw new ArgumentException($"{samplers.Count} samplers but {coins.Count} coin sources.", nameof(coins));
        foreach (Sampler sampler in samplers)
        {
            if (sampler.Call.Order.Length > model.MaximumLength)
                throw new ArgumentException($"{sampler.Call.Order.Length} tokens, the model takes {model.MaximumLength}.", nameof(samplers));
            if (sampler.Call.VocabularySize != model.VocabularySize)
                throw new ArgumentException($"A sampler for {sampler.Call.VocabularySize} tokens, the model has {model.VocabularySize}.", nameof(samplers));
        }

        _model = model;
        _samplers = [.. samplers];
        _coins = [.. coins];
        _calls = new SequenceCall[_samplers.Length];
    }

    /// <summary>Decides every target of every sequence.</summary>
    /// <exception cref="OperationCanceledException">Cancelled between or within calls.</exception>
    /// <exception cref="ModelOutputException">A logit is NaN or infinite.</exception>
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
        int count = 0;
        for (int i = 0; i < _samplers.Length; i++)
        {
            if (_samplers[i].IsDone)
                continue;
            _samplers[i].Plan(_coins[i]);
            _calls[count++] = _samplers[i].Call;
        }

        if (count == 0)
            return false;
        _model.Evaluate(_calls.AsSpan(0, count), cancellation);
        for (int i = 0; i < _samplers.Length; i++)
        {
            if (!_samplers[i].IsDone)
                _samplers[i].Take(_coins[i]);
        }

        return true;
    }
}
