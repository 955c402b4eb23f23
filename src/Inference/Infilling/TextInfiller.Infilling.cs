using AsArm.Assd.Models;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>Filling gaps: one text, batches and sequences of requests.</content>
public sealed partial class TextInfiller
{
    /// <summary>Validates markup and length of a text without a forward pass.</summary>
    /// <param name="text">Marked-up text.</param>
    /// <param name="options">Options; only windows and gap spacing matter.</param>
    /// <exception cref="InfillTextException">No gap, a malformed one, or too many tokens.</exception>
    public void Validate(string text, InfillOptions? options = null) => Encode(new InfillRequest(text, options ?? new()));

    /// <summary>Fills the gaps of one text.</summary>
    /// <param name="text">&lt;mask&gt; is one unknown token, &lt;mask:N&gt; a gap of N; \&lt; is a plain &lt;.</param>
    /// <param name="options">Options; by default exact samples of the distribution of the model, given the space before each gap (<see cref="GapSpacing.AsTyped" />).</param>
    /// <param name="cancellationToken">Stops during a forward pass.</param>
    /// <exception cref="InfillTextException">No gap, a malformed one, or too many tokens.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    /// <exception cref="ModelOutputException">Logits are NaN or infinite.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime failed to run the graph.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public InfillResult Infill(string text, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillBatch([new InfillRequest(text, options ?? new())], cancellationToken)[0];

    /// <summary>Fills the gaps of a prompt.</summary>
    /// <param name="prompt">A prompt with at least one gap.</param>
    /// <param name="options">Options; by default exact samples of the distribution of the model, given the space before each gap (<see cref="GapSpacing.AsTyped" />).</param>
    /// <param name="cancellationToken">Stops during a forward pass.</param>
    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public InfillResult Infill(InfillPrompt prompt, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillBatch([new InfillRequest(prompt, options ?? new())], cancellationToken)[0];

    /// <summary>
    /// Fills many texts, up to <see cref="MaxBatchSize" /> in each forward pass. The result of a seed does not depend on the other texts of the batch,
    /// up to rounding of the network's float32 sums; with a cache on a CPU it is bit-identical. With <see cref="SamplerKind.Fused" /> a seed may give
    /// another sample than alone (<see cref="InfillOptions.DraftMode" />). The first error of a text is thrown, and the other results are lost; see
    /// <see cref="InfillOutcomes" />.
    /// </summary>
    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public IReadOnlyList<InfillResult> InfillBatch(IReadOnlyList<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return InfillWith(_setting, requests, cancellationToken);
    }

    /// <summary>Fills a batch with other settings, for measurements.</summary>
    internal IReadOnlyList<InfillResult> InfillWith(InfillSetting setting, IReadOnlyList<InfillRequest> requests, CancellationToken cancellationToken)
    {
        RequestPreparer preparer = CreatePreparer(mode: requests.Count > 1 ? DraftMode.Throughput : DraftMode.Latency, setting);
        PendingRequest[] pendingRequests = [.. requests.Select(preparer.Prepare)]; // all of them, so that an invalid one is refused before any forward pass
        if (pendingRequests.FirstOrDefault(pending => pending.Refusal is not null) is PendingRequest refused)
            refused.Outcome().ResultOrThrow();
        return [.. _runner.Run(pendingRequests, cancellationToken).Select(outcome => outcome.ResultOrThrow())];
    }

    /// <summary>
    /// Fills a sequence of texts like <see cref="InfillBatch" />, but lazily: the next request is taken when a text is finished. Results come in the
    /// order of the requests. The first request that fails throws in its place: earlier results are delivered, later ones are lost. No request is
    /// taken after an invalid one, or after the source has thrown. <see cref="InfillOutcomes" /> continues after errors.
    /// </summary>
    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public IEnumerable<InfillResult> InfillMany(IEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return _runner.Run(TakeUntilRefused(requests.Select(CreatePreparer(DraftMode.Throughput).Prepare)), cancellationToken).Select(outcome => outcome.ResultOrThrow());
    }

    /// <summary>
    /// Fills a sequence of texts like <see cref="InfillMany" />, and returns an outcome for each, in order: an error of one text, or in the logits for
    /// it, does not affect the others. If the source throws, the outcomes of the requests that were taken come first.
    /// </summary>
    /// <param name="requests">The requests; taken one by one, as texts are finished.</param>
    /// <param name="cancellationToken">Stops during a forward pass.</param>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<InfillOutcome> InfillOutcomes(IEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return _runner.Run(requests.Select(CreatePreparer(DraftMode.Throughput).Prepare), cancellationToken);
    }

    /// <summary>
    /// Fills texts that arrive over time: each forward pass includes the requests that have arrived, and an outcome is returned as soon as it and all
    /// earlier ones are available.
    /// </summary>
    /// <param name="requests">The requests. The enumerator should observe its cancellation token; waiting for it can be cancelled in any case.</param>
    /// <param name="cancellationToken">Stops during a forward pass, and while waiting for a request.</param>
    /// <inheritdoc cref="InfillOutcomes" />
    public IAsyncEnumerable<InfillOutcome> InfillOutcomesAsync(IAsyncEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return _runner.RunAsync(requests.Select(CreatePreparer(DraftMode.Throughput).Prepare), cancellationToken);
    }

    private static IEnumerable<PendingRequest> TakeUntilRefused(IEnumerable<PendingRequest> pendingRequests)
    {
        foreach (PendingRequest pending in pendingRequests)
        {
            yield return pending;
            if (pending.Refusal is not null)
                yield break;
        }
    }

    private RequestPreparer CreatePreparer(DraftMode mode, InfillSetting? setting = null)
    {
        RequireTokenizer(); // here, so that it does not fail for every request
        return new RequestPreparer(Encode, setting ?? _setting, mode);
    }

    private WindowedText Encode(InfillRequest request)
    {
        (string text, InfillOptions options) = request;
        ArgumentNullException.ThrowIfNull(text);
        SegmentEncoder encoder = Encoder(options.GapSpacing);
        TextLimits.RequireCharacters(text.Length, options.Window);
        InfillPrompt prompt = InfillPrompt.Parse(text);
        InfillText.RequireTargets(prompt.Segments, spans: false, prompt.Warning);
        return new WindowedText(prompt.Segments, encoder, options.Window) { Warning = request.IsFromPrompt ? null : prompt.Warning };
    }
}
