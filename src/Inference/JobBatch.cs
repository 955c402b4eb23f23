using System.Diagnostics.CodeAnalysis;
using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>Continuous batching: requests that share the forward passes of one loop, delivered in the order in which they were added.</summary>
internal sealed class JobBatch : IDisposable
{
    private readonly SamplingLoop _loop;
    private readonly int _maximumBatch;
    private readonly int _maximumUndelivered;
    private readonly List<InfillJob> _entering = [];
    private readonly Queue<InfillTicket> _undelivered = new();

    /// <param name="model">Serves one call at a time.</param>
    /// <param name="maximumBatch">Most sequences of a call.</param>
    public JobBatch(IAnySubsetModel model, int maximumBatch)
    {
        _loop = new SamplingLoop(model) { OnFailure = Fail };
        _maximumBatch = maximumBatch;
        _maximumUndelivered = 16 * maximumBatch; // results that wait for an earlier one
    }

    /// <summary>Another request may be added.</summary>
    public bool HasRoom => _loop.Count + _entering.Count < _maximumBatch && _undelivered.Count < _maximumUndelivered;

    /// <summary>There is something to do in <see cref="Step" />.</summary>
    public bool IsRunning => _loop.Count + _entering.Count > 0;

    /// <summary>Takes a request in.</summary>
    public void Add(InfillTicket ticket)
    {
        _undelivered.Enqueue(ticket);
        if (ticket.Job is InfillJob job)
            _entering.Add(job);
    }

    /// <summary>The next outcome in order, if it is there.</summary>
    public bool TryTake([NotNullWhen(true)] out InfillOutcome? outcome)
    {
        bool isThere = _undelivered.TryPeek(out InfillTicket? ticket) && ticket.IsDone;
        outcome = isThere ? _undelivered.Dequeue().Outcome() : null;
        return isThere;
    }

    /// <summary>One forward pass; to be called while the model may be used.</summary>
    public void Step(CancellationToken cancellation)
    {
        foreach (InfillJob job in _entering)
            job.Enter(_loop);
        _entering.Clear();
        _loop.Step(cancellation);
    }

    /// <summary>To be called after every step: decodes what it finished; a text with another window enters the loop again.</summary>
    public void Watch()
    {
        foreach (InfillTicket ticket in _undelivered)
        {
            if (ticket.Job is InfillJob job && job.Watch())
                _entering.Add(job);
        }
    }

    /// <summary>Gives up what is unfinished; to be called while the model may be used.</summary>
    public void Dispose() => _loop.Dispose();

    private void Fail(Sampler sampler, ModelOutputException error) =>
        _undelivered.First(ticket => ticket.Job?.IsSampledBy(sampler) is true).Job!.Fail(error);
}
