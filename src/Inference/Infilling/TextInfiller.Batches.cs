using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Infilling;

/// <content>Filling many texts. Requests of batches wait for a place in the queue whatever <see cref="TextInfillerOptions.QueueFullMode" /> is.</content>
public sealed partial class TextInfiller
{
    /// <summary>Requests of a batch in the scheduler: those in a forward pass, and as many that can take their places at once.</summary>
    private const int MaxSubmitted = 2 * MaxBatchSize;

    /// <summary>Limit of outcomes of a batch that wait for an earlier one.</summary>
    private const int MaxUndelivered = 16 * MaxBatchSize;

    /// <summary>
    /// Fills many texts, and blocks the thread meanwhile. The result of a seed does not depend on the other texts, up to rounding of the network's
    /// float32 sums; with a cache on a CPU it is bit-identical. With <see cref="SamplerKind.Fused" /> a seed may give another sample than alone
    /// (<see cref="InfillOptions.DraftMode" />). An invalid request is thrown before any forward pass. The first other error is thrown too, and the
    /// other results are lost; see <see cref="InfillOutcomes" />.
    /// </summary>
    /// <inheritdoc cref="ITextInfiller.InfillAsync" />
    public IReadOnlyList<InfillResult> InfillBatch(IReadOnlyList<InfillRequest> requests, CancellationToken cancellationToken = default) =>
        InfillWith(_setting, requests, cancellationToken);

    /// <summary>
    /// Fills a sequence of texts like <see cref="InfillBatch" />, but lazily: no more requests are taken than the model can soon start. Results come in
    /// the order of the requests. The first request that fails throws in its place: earlier results are delivered, later ones are lost. No request is
    /// taken after an invalid one, or after the source has thrown. A result that is available is returned before another request is taken.
    /// <see cref="InfillOutcomes" /> continues after errors.
    /// </summary>
    /// <inheritdoc cref="ITextInfiller.InfillAsync" />
    public IEnumerable<InfillResult> InfillMany(IEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return Outcomes(Prepare(requests, _setting, DraftMode.Throughput), stopsAtRefusal: true, cancellationToken).Select(outcome => outcome.ResultOrThrow());
    }

    /// <summary>
    /// Fills a sequence of texts like <see cref="InfillMany" />, and returns an outcome for each, in order: an error of one text, or in the logits for
    /// it, does not affect the others. If the source throws, the outcomes of the requests that were taken come first.
    /// </summary>
    /// <param name="requests">
    /// The requests; taken one by one, on the caller's thread, up to 32 ahead. An outcome that is available is returned before another request is taken; one that
    /// becomes available while the source blocks is returned when the source goes on. <see cref="InfillBatchAsync" /> does not wait for its source.
    /// </param>
    /// <param name="cancellationToken">Cancels the requests that are not done.</param>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    /// <exception cref="ObjectDisposedException">The infiller is disposed or draining.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<InfillOutcome> InfillOutcomes(IEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return Outcomes(Prepare(requests, _setting, DraftMode.Throughput), stopsAtRefusal: false, cancellationToken);
    }

    /// <inheritdoc />
    public IAsyncEnumerable<InfillOutcome> InfillBatchAsync(IAsyncEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        RequireTokenizer();
        return OutcomesAsync(requests, cancellationToken);
    }

    /// <summary>Fills a batch with other settings, for measurements.</summary>
    internal IReadOnlyList<InfillResult> InfillWith(InfillSetting setting, IReadOnlyList<InfillRequest> requests, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        PreparedRequest[] prepared = [.. Prepare(requests, setting, requests.Count > 1 ? DraftMode.Throughput : _options.DraftMode)];
        foreach (PreparedRequest request in prepared)
            request.ThrowIfRefused(); // before any forward pass
        return [.. Outcomes(prepared, stopsAtRefusal: false, cancellationToken).Select(outcome => outcome.ResultOrThrow())];
    }

    private IEnumerable<PreparedRequest> Prepare(IEnumerable<InfillRequest> requests, InfillSetting setting, DraftMode mode)
    {
        RequireTokenizer();
        return Prepared();

        IEnumerable<PreparedRequest> Prepared() // each enumeration has a preparer of its own, which has state
        {
            var preparer = new RequestPreparer(Encode, setting, mode);
            foreach (InfillRequest request in requests)
                yield return preparer.Prepare(request);
        }
    }

    private IEnumerable<InfillOutcome> Outcomes(IEnumerable<PreparedRequest> requests, bool stopsAtRefusal, CancellationToken cancellationToken)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using IEnumerator<PreparedRequest> source = requests.GetEnumerator();
        var undelivered = new Queue<BatchedRequest>();
        ExceptionDispatchInfo? failure = null;
        try
        {
            for (bool more = true; more || undelivered.Count > 0;)
            {
                foreach (BatchedRequest request in undelivered)
                    request.Advance();
                BatchedRequest[] unfinished = [.. undelivered.Where(request => !request.IsDone)];
                if (undelivered.TryPeek(out BatchedRequest? first) && first.IsDone)
                {
                    yield return Deliver(undelivered.Dequeue(), cancellationToken);
                }
                else if (more && undelivered.Count < MaxUndelivered && unfinished.Length < MaxSubmitted && unfinished is [] or [.., { IsSubmitted: true }])
                {
                    if (more = TryMoveNext(source, ref failure))
                        undelivered.Enqueue(Begin(source.Current, abandoned.Token));
                    more &= !stopsAtRefusal || source.Current.Refusal is null;
                }
                else
                {
                    Wait(unfinished, cancellationToken);
                }
            }

            failure?.Throw();
        }
        finally
        {
            abandoned.Cancel();
            foreach (BatchedRequest request in undelivered)
            {
                request.Advance(); // to its cancellation
                request.Dispose();
            }
        }
    }

    private BatchedRequest Begin(PreparedRequest prepared, CancellationToken cancellationToken) => prepared.Refusal is Exception refusal
        ? new BatchedRequest(prepared.Request, refusal)
        : new BatchedRequest(prepared.Request, _runner.Begin(PlanOf(prepared), cancellationToken));

    /// <summary>Blocks until one of the requests can go on, or its time is up.</summary>
    /// <param name="unfinished">The requests; only the last one can be without a place in the queue.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private static void Wait(BatchedRequest[] unfinished, CancellationToken cancellationToken)
    {
        int left = (int)unfinished.Min(request => (uint)request.MillisecondsLeft); // no limit is the largest
        try
        {
            Task.WaitAny([.. unfinished.Select(request => request.BeginWait())], left, cancellationToken);
        }
        finally
        {
            unfinished[^1].EndWait();
        }
    }

    private static InfillOutcome Deliver(BatchedRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return request.Outcome();
        }
        catch (OperationCanceledException error) when (cancellationToken.IsCancellationRequested)
        {
            throw Tasks.CancelledBy(error, cancellationToken);
        }
    }

    private async IAsyncEnumerable<InfillOutcome> OutcomesAsync(IAsyncEnumerable<InfillRequest> requests, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<Task<InfillOutcome>> outcomes = Channel.CreateBounded<Task<InfillOutcome>>(new BoundedChannelOptions(MaxUndelivered) { SingleReader = true, SingleWriter = true });
        Task submitting = Task.Run(() => SubmitAsync(requests, outcomes.Writer, abandoned.Token, cancellationToken), CancellationToken.None); // the source may block its thread
        try
        {
            await foreach (Task<InfillOutcome> outcome in outcomes.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return await Tasks.CancelledBy(outcome, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await abandoned.CancelAsync().ConfigureAwait(false);
            // A source that ignores cancellation ends only with its next item; nobody waits for that.
            Tasks.OnEnd(submitting, abandoned.Dispose);
        }
    }

    /// <summary>Submits requests as they arrive and as the scheduler has room for them. Never throws: an error of the source ends the channel.</summary>
    /// <param name="requests">The source.</param>
    /// <param name="outcomes">The channel.</param>
    /// <param name="cancellationToken">Cancelled by the caller, or when they stop reading.</param>
    /// <param name="callersToken">The caller's own token.</param>
    private async Task SubmitAsync(
        IAsyncEnumerable<InfillRequest> requests, ChannelWriter<Task<InfillOutcome>> outcomes, CancellationToken cancellationToken, CancellationToken callersToken)
    {
        var preparer = new RequestPreparer(Encode, _setting, DraftMode.Throughput);
        var room = new SemaphoreSlim(MaxSubmitted);
        try
        {
            await foreach (InfillRequest request in requests.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                await room.WaitAsync(cancellationToken).ConfigureAwait(false);
                Task<InfillOutcome> outcome = OutcomeAsync(preparer.Prepare(request), cancellationToken);
                Tasks.OnEnd(outcome, () => room.Release());
                await outcomes.WriteAsync(outcome, cancellationToken).ConfigureAwait(false);
            }

            outcomes.Complete();
        }
#pragma warning disable CA1031 // Thrown to the reader of the channel.
        catch (Exception error)
#pragma warning restore CA1031
        {
            outcomes.Complete(error is OperationCanceledException cancelled && callersToken.IsCancellationRequested ? Tasks.CancelledBy(cancelled, callersToken) : error);
        }
    }

    /// <summary>The outcome of one request; throws only what ends the whole batch.</summary>
    private async Task<InfillOutcome> OutcomeAsync(PreparedRequest prepared, CancellationToken cancellationToken)
    {
        InfillRequest request = prepared.Request;
        if (prepared.Refusal is Exception refusal)
            return new InfillOutcome(request, null, refusal);
        try
        {
            return new InfillOutcome(request, await _runner.RunAsync(PlanOf(prepared), cancellationToken).ConfigureAwait(false), null);
        }
        catch (Exception error) when (BatchedRequest.IsOfRequest(error))
        {
            return new InfillOutcome(request, null, error);
        }
    }

    private RequestPlan<IInfillJob, InfillResult> PlanOf(PreparedRequest prepared) => Plan(prepared.Request.Options, isOfBatch: true, () => prepared.Job!);

    /// <summary>False at the end of the source, or if it throws.</summary>
    private static bool TryMoveNext(IEnumerator<PreparedRequest> source, ref ExceptionDispatchInfo? failure)
    {
        try
        {
            return source.MoveNext();
        }
#pragma warning disable CA1031 // Rethrown after the outcomes of the requests that were taken before.
        catch (Exception error)
#pragma warning restore CA1031
        {
            failure = ExceptionDispatchInfo.Capture(error);
            return false;
        }
    }
}
