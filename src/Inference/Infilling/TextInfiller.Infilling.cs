using System.Runtime.CompilerServices;
using System.Threading.Channels;
using AsArm.Assd.Planning;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Telemetry;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>Filling one text.</content>
public sealed partial class TextInfiller
{
    /// <summary>Validates markup and length of a text without a forward pass.</summary>
    /// <param name="text">Marked-up text.</param>
    /// <param name="options">Options; only windows and gap spacing matter.</param>
    /// <exception cref="InfillTextException">No gap, a malformed one, or too many tokens.</exception>
    public void Validate(string text, InfillOptions? options = null) => Encode(new InfillRequest(text, options ?? new()));

    /// <summary>Fills the gaps of one text, and blocks the thread meanwhile.</summary>
    /// <param name="text">&lt;mask&gt; is one unknown token, &lt;mask:N&gt; a gap of N; \&lt; is a plain &lt;.</param>
    /// <param name="options">Options; by default exact samples of the distribution of the model, given the space before each gap (<see cref="GapSpacing.AsTyped" />).</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <inheritdoc cref="ITextInfiller.InfillAsync" />
    public InfillResult Infill(string text, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        Infill(new InfillRequest(text, options ?? new()), cancellationToken);

    /// <summary>Fills the gaps of one prompt, and blocks the thread meanwhile.</summary>
    /// <param name="prompt">A prompt with at least one gap.</param>
    /// <param name="options">Options; by default exact samples of the distribution of the model, given the space before each gap (<see cref="GapSpacing.AsTyped" />).</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <inheritdoc cref="ITextInfiller.InfillAsync" />
    public InfillResult Infill(InfillPrompt prompt, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        Infill(new InfillRequest(prompt, options ?? new()), cancellationToken);

    /// <summary>Fills the gaps of one text, and blocks the thread meanwhile.</summary>
    /// <inheritdoc cref="ITextInfiller.InfillAsync" />
    public InfillResult Infill(InfillRequest request, CancellationToken cancellationToken = default) =>
        _runner.Run(PlanOne(request), cancellationToken);

    /// <inheritdoc />
    public Task<InfillResult> InfillAsync(InfillRequest request, CancellationToken cancellationToken = default) =>
        _runner.RunAsync(PlanOne(request), cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<InfillUpdate> InfillStreamAsync(InfillRequest request, CancellationToken cancellationToken = default)
    {
        Func<InfillOptions> options = CopyOptions(request); // here, so that null is refused before the first update
        RequireTokenizer();
        return StreamAsync(request, options, cancellationToken);
    }

    private async IAsyncEnumerable<InfillUpdate> StreamAsync(InfillRequest request, Func<InfillOptions> options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<SequenceProgress> passes = Channel.CreateUnbounded<SequenceProgress>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        StreamedText? text = null;
        RequestPlan<IInfillJob, InfillResult> plan = Plan(request.Options, isOfBatch: false, () =>
        {
            RequestText encoded = Encode(request);
            InfillOptions copy = options();
            text = encoded.Plain is WindowedText plain && copy.MinProbability is null ? new StreamedText(plain.Copy()) : null;
            return encoded.CreateJob(copy, _setting, _options.DraftMode, text is null ? null : pass => passes.Writer.TryWrite(pass));
        });
        Task<InfillResult> result = _runner.RunAsync(plan, abandoned.Token);
        Tasks.OnEnd(result, () => passes.Writer.TryComplete());
        try
        {
            await foreach (SequenceProgress pass in passes.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                InfillUpdate update = text!.Next(pass);
                if (text.HasMore)
                    yield return update;
                else
                    yield return Final(update, await Tasks.CancelledBy(result, cancellationToken).ConfigureAwait(false));
            }

            InfillResult whole = await Tasks.CancelledBy(result, cancellationToken).ConfigureAwait(false); // or it failed
            if (text is null)
                yield return Final(new InfillUpdate(whole.Text, whole.Statistics, IsFinal: true) { Committed = [.. CommittedToken.AllOf(whole)] }, whole);
        }
        finally
        {
            await abandoned.CancelAsync().ConfigureAwait(false);
        }
    }

    private static InfillUpdate Final(InfillUpdate update, InfillResult result) =>
        update with { Text = result.Text, IsFinal = true, StableLength = result.Text.Length, Result = result };

    private RequestPlan<IInfillJob, InfillResult> PlanOne(InfillRequest request)
    {
        Func<InfillOptions> options = CopyOptions(request);
        return Plan(request.Options, isOfBatch: false, () => Encode(request).CreateJob(options(), _setting, _options.DraftMode));
    }

    private static Func<InfillOptions> CopyOptions(InfillRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(request.Options);
        return OptionsCopy.Now(request.Options);
    }

    private RequestPlan<IInfillJob, InfillResult> Plan(InfillOptions options, bool isOfBatch, Func<IInfillJob> prepare)
    {
        RequireTokenizer(); // here, so that it does not fail for every request of a batch
        return new("infill", options.Timeout, isOfBatch, prepare, GetResult);
    }

    private InfillResult GetResult(IInfillJob job, TimeSpan queueTime, RequestTrace trace)
    {
        InfillResult result = job.Result() with { QueueTime = queueTime };
        trace.SetTag("asarm.tokens.given", result.Usage.GivenTokens);
        trace.SetTag("asarm.tokens.generated", result.Usage.GeneratedTokens);
        trace.SetTag("asarm.forward_passes", result.Statistics.Nfe);
        trace.SetTag("asarm.queue.duration", queueTime.TotalSeconds);
        RequestInstruments.AddGenerated(Folder.Name, result.Usage.GeneratedTokens);
        foreach ((DraftSource source, DraftCounts counts) in result.Drafts)
            RequestInstruments.AddDrafts(Folder.Name, source.ToString().ToLowerInvariant(), counts);
        return result;
    }

    private RequestText Encode(InfillRequest request)
    {
        (string text, InfillOptions options) = request;
        ArgumentNullException.ThrowIfNull(text);
        SegmentEncoder encoder = Encoder(options.GapSpacing);
        TextLimits.RequireCharacters(text.Length, options.Window);
        InfillPrompt prompt = InfillPrompt.Parse(text);
        IReadOnlyList<TextSegment> segments = request.Segments ?? prompt.Segments;
        InfillText.RequireTargets(segments, spans: false, prompt.Warning);
        return new RequestText(segments, encoder, options.Conditions, options.Window, request.IsFromPrompt ? null : prompt.Warning);
    }
}
