using System.Diagnostics;
using AsArm.Assd.Models;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Telemetry;

namespace AsArm.Inference.Scheduling;

/// <summary>The requests whose sequences share the next forward pass, as far as there are places. Used by the thread of the scheduler alone.</summary>
internal sealed class ActiveBatch : IDisposable
{
    private readonly SchedulerOptions _options;
    private readonly SamplingLoop _loop;
    private readonly List<ScheduledRequest> _requests = [];
    private readonly List<(ScheduledRequest Request, Exception Error)> _failures = []; // of the forward pass
    private readonly Action<ScheduledRequest, Exception> _onFailure;

    /// <param name="model">The network.</param>
    /// <param name="options">Settings.</param>
    /// <param name="onFailure">Ends a request with an error; it has left the batch.</param>
    public ActiveBatch(IAnySubsetModel model, SchedulerOptions options, Action<ScheduledRequest, Exception> onFailure)
    {
        (_options, _onFailure) = (options, onFailure);
        _loop = new SamplingLoop(model) { UsesThreads = true, OnFailure = (sampler, error) => _failures.Add((_requests.First(request => request.Sequences.Exists(one => one.Sampler == sampler)), error)) };
    }

    /// <summary>Number of sequences of the requests, those included that wait for a place in the forward pass.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (ScheduledRequest request in _requests)
                count += request.Unfinished;
            return count;
        }
    }

    /// <summary>Adds a request with the sequences of its current step.</summary>
    public void Add(ScheduledRequest request)
    {
        request.Started = 0;
        _requests.Add(request);
        StartSequences(request);
    }

    /// <summary>Starts sequences as long as there are places; those of the request that came first are first.</summary>
    private void StartSequences()
    {
        for (int i = 0; i < _requests.Count && _loop.Count < _options.MaxBatchSize;)
        {
            ScheduledRequest request = _requests[i];
            StartSequences(request);
            i += i < _requests.Count && _requests[i] == request ? 1 : 0; // it may have failed
        }
    }

    /// <summary>Starts sequences of a request as long as there are places.</summary>
    private void StartSequences(ScheduledRequest request)
    {
        try
        {
            while (request.Started < request.Job.SequenceCount && _loop.Count < _options.MaxBatchSize)
            {
                int index = request.Started++;
                (Sampler sampler, IRandomSource random) = request.Job.Start(index);
                request.Sequences.Add((sampler, index));
                _loop.Add(sampler, random);
            }
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
        StartSequences();
        long start = Stopwatch.GetTimestamp();
        int size = _loop.Count;
        _failures.Clear(); // of a pass that was cancelled or failed as a whole
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
            for (int i = _requests.Count - 1; i >= 0; i--)
            {
                if (_requests[i].Sequences.Count > 0)
                    Fail(_requests[i], error);
            }

            return;
        }

        foreach ((ScheduledRequest request, Exception error) in _failures)
            Fail(request, error);
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
            if (request.Sequences.Count > 0)
                request.Job.OnForwardPass();
            for (int i = request.Sequences.Count - 1; i >= 0; i--)
                EndIfDone(request, i);
            if (request.Unfinished > 0)
                return;
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

    private void EndIfDone(ScheduledRequest request, int place)
    {
        (Sampler sampler, int index) = request.Sequences[place];
        if (!sampler.IsDone)
            return;
        request.Sequences.RemoveAt(place);
        _loop.Remove(sampler);
        request.Job.EndSequence(index);
    }

    private void Fail(ScheduledRequest request, Exception error)
    {
        Remove(request);
        _onFailure(request, error);
    }

    private void Remove(ScheduledRequest request)
    {
        foreach ((Sampler sampler, _) in request.Sequences)
            _loop.Remove(sampler);
        request.Sequences.Clear();
        _requests.Remove(request);
    }

    private void RecordTokens()
    {
        long content = 0, queries = 0, cached = 0;
        foreach (ScheduledRequest request in _requests)
        {
            foreach ((Sampler sampler, _) in request.Sequences)
            {
                int computed = _options.HasCache ? sampler.LastContentTokens : sampler.State.KnownCount;
                (content, queries, cached) = (content + computed, queries + sampler.State.Conditionals.Length, cached + sampler.State.KnownCount - computed);
            }
        }

        PassInstruments.AddTokens(_options.Model, content, queries, cached);
    }
}
