using System.Diagnostics.CodeAnalysis;
using AsArm.Assd.Models;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Infilling;

/// <summary>Continuous batching: requests share the forward passes of one loop, and new ones join as others finish. Outcomes are delivered in the order of the requests.</summary>
internal sealed class JobBatch : IDisposable
{
    private readonly SamplingLoop _loop;
    private readonly int _maxBatchSize;
    private readonly int _maxUndelivered;
    private readonly List<InfillJob> _starting = [];
    private readonly Queue<PendingRequest> _undelivered = new();

    /// <param name="model">The model; used for one forward pass at a time.</param>
    /// <param name="maxBatchSize">Limit of the sequences of a forward pass.</param>
    public JobBatch(IAnySubsetModel model, int maxBatchSize)
    {
        _loop = new SamplingLoop(model) { OnFailure = Fail };
        _maxBatchSize = maxBatchSize;
        _maxUndelivered = 16 * maxBatchSize; // limit of outcomes that wait for an earlier one
    }

    /// <summary>Whether another request may be added.</summary>
    public bool HasRoom => _loop.Count + _starting.Count < _maxBatchSize && _undelivered.Count < _maxUndelivered;

    /// <summary>Whether <see cref="Step" /> has something to do.</summary>
    public bool IsRunning => _loop.Count + _starting.Count > 0;

    /// <summary>Adds a request, which joins in the next step.</summary>
    public void Add(PendingRequest pending)
    {
        _undelivered.Enqueue(pending);
        if (pending.Job is InfillJob job)
            _starting.Add(job);
    }

    /// <summary>Removes the next outcome in order, if it is available.</summary>
    public bool TryTake([NotNullWhen(true)] out InfillOutcome? outcome)
    {
        bool isAvailable = _undelivered.TryPeek(out PendingRequest? pending) && pending.IsDone;
        outcome = isAvailable ? _undelivered.Dequeue().Outcome() : null;
        return isAvailable;
    }

    /// <summary>Runs one forward pass. Requires exclusive use of the model.</summary>
    public void Step(CancellationToken cancellationToken)
    {
        foreach (InfillJob job in _starting)
            job.Start(_loop);
        _starting.Clear();
        _loop.Step(cancellationToken);
    }

    /// <summary>Completes the jobs and windows that the last step finished. To be called after every step.</summary>
    public void CompleteFinished()
    {
        foreach (PendingRequest pending in _undelivered)
        {
            if (pending.Job is InfillJob job && job.CompleteWindow())
                _starting.Add(job);
        }
    }

    /// <summary>Abandons unfinished requests. Requires exclusive use of the model.</summary>
    public void Dispose() => _loop.Dispose();

    private void Fail(Sampler sampler, ModelOutputException error) =>
        _undelivered.First(pending => pending.Job?.IsSampledBy(sampler) is true).Job!.Fail(error);
}
