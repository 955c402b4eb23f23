using System.Diagnostics;
using AsArm.Assd.Models;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Telemetry;

namespace AsArm.Inference.Scheduling;

/// <summary>The sequences that share the next forward pass. Used by the thread of the scheduler alone.</summary>
internal sealed class ActiveBatch : IDisposable
{
    private readonly SchedulerOptions _options;
    private readonly SamplingLoop _loop;
    private readonly List<ScheduledRequest> _requests = [];
    private readonly Action<ScheduledRequest, Exception> _onFailure;

    /// <param name="model">The network.</param>
    /// <param name="options">Settings.</param>
    /// <param name="onFailure">Ends a request with an error; it has left the batch.</param>
    public ActiveBatch(IAnySubsetModel model, SchedulerOptions options, Action<ScheduledRequest, Exception> onFailure)
    {
        (_options, _onFailure) = (options, onFailure);
        _loop = new SamplingLoop(model) { UsesThreads = true, OnFailure = (sampler, error) => Fail(_requests.First(request => request.Sampler == sampler), error) };
    }

    /// <summary>Number of sequences.</summary>
    public int Count => _requests.Count;

    /// <summary>Adds the current sequence of a request.</summary>
    public void Add(ScheduledRequest request)
    {
        try
        {
            (Sampler sampler, IRandomSource random) = request.Job.Start();
            _loop.Add(sampler, random);
            request.Sampler = sampler;
            _requests.Add(request);
        }
#pragma warning disable CA1031 // An error of one request must not end the others.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Fail(request, error);
        }
    }

    /// <summary>Runs one forward pass, and removes the requests whose sequence is done.</summary>
    /// <param name="done">Those requests are added here.</param>
    /// <param name="cancellationToken">Cancels the pass, after which it can be repeated.</param>
    public void Step(List<ScheduledRequest> done, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        int size = Count;
        try
        {
            _loop.Step(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
#pragma warning disable CA1031 // Whatever the model throws is the error of all requests of the pass; later ones may succeed.
        catch (Exception error)
#pragma warning restore CA1031
        {
            while (_requests.Count > 0)
                Fail(_requests[^1], error);
            return;
        }

        PassInstruments.RecordPass(_options.Model, size, Stopwatch.GetElapsedTime(start));
        if (PassInstruments.AreEnabled)
            RecordTokens();
        for (int i = _requests.Count - 1; i >= 0; i--)
            EndForwardPass(_requests[i], done);
        done.Reverse(); // back to the order in which they joined
    }

    /// <summary>Removes the requests that have ended otherwise, by cancellation.</summary>
    public void RemoveEnded()
    {
        for (int i = _requests.Count - 1; i >= 0; i--)
        {
            if (_requests[i].HasEnded)
                Remove(_requests[i]);
        }
    }

    /// <summary>Abandons what is left, and releases what the model keeps for it.</summary>
    public void Dispose() => _loop.Dispose();

    private void EndForwardPass(ScheduledRequest request, List<ScheduledRequest> done)
    {
        try
        {
            request.Job.OnForwardPass();
            if (!request.Sampler!.IsDone)
                return;
            request.Job.EndSequence();
            Remove(request);
            done.Add(request);
        }
#pragma warning disable CA1031 // An error of one request must not end the others.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Fail(request, error);
        }
    }

    private void Fail(ScheduledRequest request, Exception error)
    {
        Remove(request);
        _onFailure(request, error);
    }

    private void Remove(ScheduledRequest request)
    {
        if (request.Sampler is Sampler sampler)
            _loop.Remove(sampler);
        request.Sampler = null;
        _requests.Remove(request);
    }

    private void RecordTokens()
    {
        long content = 0, queries = 0, cached = 0;
        foreach (ScheduledRequest request in _requests)
        {
            Sampler sampler = request.Sampler!;
            int computed = _options.HasCache ? sampler.LastContentTokens : sampler.State.KnownCount;
            (content, queries, cached) = (content + computed, queries + sampler.State.Conditionals.Length, cached + sampler.State.KnownCount - computed);
        }

        PassInstruments.AddTokens(_options.Model, content, queries, cached);
    }
}
