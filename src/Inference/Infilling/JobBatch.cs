using System.Diagnostics.CodeAnalysis;
using AsArm.Assd.Models;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Infilling;

/// <summary>Continuous batching: requests that share the forward passes of one loop, delivered in the order in which they were added.</summary>
internal sealed class JobBatch : IDisposable
{
    private readonly SamplingLoop _loop;
    private readonly int _maxBatchSize;
    private readonly int _maxUndelivered;
    private readonly List<InfillJob> _entering = [];
    private readonly Queue<PendingRequest> _undelivered = new();

    /// <param name="model">Serves one call at a time.</param>
    /// <param name="maxBatchSize">Most sequences of a call.</param>
    public JobBatch(IAnySubsetModel model, int maxBatchSize)
    {
        _loop = new SamplingLoop(model) { OnFailure = Fail };
        _maxBatchSize = maxBatchSize;
        _maxUndelivered = 16 * maxBatchSize; // results that wait for an earlier one
    }

    /// <summary>Another request may be added.</summary>
    public bool HasRoom => _loop.Count + _entering.Count < _maxBatchSize && _undelivered.Count < _maxUndelivered;

    /// <summary>There is something to do in <see cref="Step" />.</summary>
    public bool IsRunning => _loop.Count + _entering.Count > 0;

    /// <summary>Takes a request in.</summary>
    public void Add(PendingRequest pending)
    {
        _undelivered.Enqueue(pending);
        if (pending.Job is InfillJob job)
            _entering.Add(job);
    }

    /// <summary>The next outcome in order, if it is there.</summary>
    public bool TryTake([NotNullWhen(true)] out InfillOutcome? outcome)
    {
        bool isThere = _undelivered.TryPeek(out PendingRequest? pending) && pending.IsDone;
        outcome = isThere ? _undelivered.Dequeue().Outcome() : null;
        return isThere;
    }

    /// <summary>One forward pass; to be called while the model may be used.</summary>
    public void Step(CancellationToken cancellationToken)
    {
        foreach (InfillJob job in _entering)
            job.Start(_loop);
        _entering.Clear();
        _loop.Step(cancellationToken);
    }

    /// <summary>To be called after every step: decodes what it finished; a text with another window enters the loop again.</summary>
    public void CompleteWindow()
    {
        foreach (PendingRequest pending in _undelivered)
        {
            if (pending.Job is InfillJob job && job.CompleteWindow())
                _entering.Add(job);
        }
    }

    /// <summary>Gives up what is unfinished; to be called while the model may be used.</summary>
    public void Dispose() => _loop.Dispose();

    private void Fail(Sampler sampler, ModelOutputException error) =>
        _undelivered.First(pending => pending.Job?.IsSampledBy(sampler) is true).Job!.Fail(error);
}
