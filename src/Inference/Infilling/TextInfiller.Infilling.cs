using AsArm.Assd.Models;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>Filling gaps: one text, batches and sequences of requests.</content>
public sealed partial class TextInfiller
{
    /// <summary>Throws what filling the text would throw for its markup and length; calls no model.</summary>
    /// <param name="text">Marked-up text.</param>
    /// <param name="options">Whether there are windows.</param>
    /// <exception cref="InfillTextException">No gap, a malformed one, or too many tokens.</exception>
    public void Validate(string text, InfillOptions? options = null) => Encode(new InfillRequest(text, options ?? new()));

    /// <summary>Fills the gaps of one text.</summary>
    /// <param name="text">&lt;mask&gt; is one unknown token, &lt;mask:N&gt; a gap of N; \&lt; is a plain &lt;.</param>
    /// <param name="options">How; the defaults are exact samples of the model's own distribution, given the space before each gap (<see cref="GapSpacing.AsTyped" />).</param>
    /// <param name="cancellationToken">Stops within a forward pass.</param>
    /// <exception cref="InfillTextException">No gap, a malformed one, or too many tokens.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime could not run the graph.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public InfillResult Infill(string text, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillBatch([new InfillRequest(text, options ?? new())], cancellationToken)[0];

    /// <summary>Fills the gaps of a prompt.</summary>
    /// <param name="prompt">With one gap at least.</param>
    /// <param name="options">How; the defaults are exact samples of the model's own distribution, given the space before each gap (<see cref="GapSpacing.AsTyped" />).</param>
    /// <param name="cancellationToken">Stops within a forward pass.</param>
    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public InfillResult Infill(InfillPrompt prompt, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillBatch([new InfillRequest(prompt, options ?? new())], cancellationToken)[0];

    /// <summary>
    /// Fills many texts, up to <see cref="MaxBatchSize" /> in each forward pass; each as in any other batch of two and more, up to the
    /// rounding of the network's float32 sums. With a cache, on a CPU, the sums are the same and so are the texts.
    /// <see cref="SamplerKind.Fused" /> plans for shared calls, so a seed may give another sample than alone, see
    /// <see cref="InfillOptions.DraftMode" />; the others give the same. All or nothing: a text that fails is thrown, see <see cref="InfillOutcomes" />.
    /// </summary>
    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public IReadOnlyList<InfillResult> InfillBatch(IReadOnlyList<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return InfillWith(_setting, requests, cancellationToken);
    }

    /// <summary>A batch with the setting of a measurement.</summary>
    internal IReadOnlyList<InfillResult> InfillWith(InfillSetting setting, IReadOnlyList<InfillRequest> requests, CancellationToken cancellationToken)
    {
        RequestPreparer maker = NewMaker(mode: requests.Count > 1 ? DraftMode.Throughput : DraftMode.Latency, setting);
        PendingRequest[] pendings = [.. requests.Select(maker.Make)]; // all, so that a bad one is told before any work
        if (pendings.FirstOrDefault(pending => pending.Refusal is not null) is PendingRequest refused)
            refused.Outcome().ResultOrThrow();
        return [.. _runner.Run(pendings, cancellationToken).Select(outcome => outcome.ResultOrThrow())];
    }

    /// <summary>
    /// Fills texts as they come, like <see cref="InfillBatch" />: takes the next request when a text is finished, and gives the results in
    /// the order of the requests. Throws at the first request that fails, in its place: all results before it are delivered, those under way
    /// behind it are lost. After a bad request, or where the source throws, none is taken any more. <see cref="InfillOutcomes" /> goes on.
    /// </summary>
    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public IEnumerable<InfillResult> InfillMany(IEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return _runner.Run(UpToTheFirstRefused(requests.Select(NewMaker(mode: DraftMode.Throughput).Make)), cancellationToken).Select(outcome => outcome.ResultOrThrow());
    }

    /// <summary>
    /// Fills texts as they come, like <see cref="InfillMany" />, and gives an outcome for each, in order: what is wrong with one text, or with
    /// the network's answer to it, does not end the others. Where the source throws, the outcomes of what was taken from it come first.
    /// </summary>
    /// <param name="requests">Taken one by one, as texts are finished.</param>
    /// <param name="cancellationToken">Stops within a forward pass.</param>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<InfillOutcome> InfillOutcomes(IEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return _runner.Run(requests.Select(NewMaker(mode: DraftMode.Throughput).Make), cancellationToken);
    }

    /// <summary>
    /// The same for requests that arrive over time: each forward pass takes those that are there, and each outcome comes as soon as it and
    /// those before it are done.
    /// </summary>
    /// <param name="requests">Its enumerator should heed the cancellation token that it is given; it is waited for without it as well.</param>
    /// <param name="cancellationToken">Stops within a forward pass, and while a request is waited for.</param>
    /// <inheritdoc cref="InfillOutcomes" />
    public IAsyncEnumerable<InfillOutcome> InfillOutcomesAsync(IAsyncEnumerable<InfillRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return _runner.RunAsync(requests.Select(NewMaker(mode: DraftMode.Throughput).Make), cancellationToken);
    }

    private static IEnumerable<PendingRequest> UpToTheFirstRefused(IEnumerable<PendingRequest> pendings)
    {
        foreach (PendingRequest pending in pendings)
        {
            yield return pending;
            if (pending.Refusal is not null)
                yield break;
        }
    }

    private RequestPreparer NewMaker(DraftMode mode, InfillSetting? setting = null)
    {
        RequireTokenizer(); // once, not for every request
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
        return new WindowedText(prompt.Segments, encoder, options.Window) { Warning = request.IsOfPrompt ? null : prompt.Warning };
    }
}
