using System.Runtime.CompilerServices;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Fills the gaps of texts and scores marked spans with one model. Safe for concurrent callers, who take turns: put texts that
/// arrive together into one batch.
/// </summary>
/// <example><code>
/// using var infiller = TextInfiller.Open("models/english-18m");
/// InfillResult result = infiller.Infill("The cat &lt;mask:3&gt; the mat.");
/// </code></example>
public sealed class TextInfiller : IDisposable
{
    /// <summary>Sequences that share a forward pass at most; of more, one enters when another is finished.</summary>
    public const int MaxBatchSize = 16;

    private readonly OnnxAnySubsetModel _model;
    private readonly InfillTokenizer? _tokenizer;
    private readonly InfillSetting _setting;
    private readonly JobRunner _runner;

    private TextInfiller(ModelFolder folder, OnnxAnySubsetModel model, InfillTokenizer? tokenizer, NgramTable? ngrams, Device device)
    {
        Folder = folder;
        _model = model;
        _tokenizer = tokenizer;
        int[] banned = tokenizer is null ? [] : [.. Enumerable.Range(0, model.VocabularySize).Where(token => !tokenizer.IsText(token))];
        _setting = new InfillSetting(folder.Manifest, device, banned, ngrams);
        _runner = new JobRunner(model, MaxBatchSize);
    }

    /// <summary>The folder that was opened.</summary>
    public ModelFolder Folder { get; }

    /// <summary>The network itself, for calls with tokens instead of text; not to be used while a text is being filled.</summary>
    public IAnySubsetModel Model => _model;

    /// <summary>What all requests have in common.</summary>
    internal InfillSetting Setting => _setting;

    /// <summary>The folder's tokenizer.</summary>
    /// <exception cref="ModelFolderException">There is none.</exception>
    internal InfillTokenizer Tokenizer => RequireTokenizer();

    /// <summary>Opens a model folder: checks its files, loads network and tokenizer.</summary>
    /// <param name="folder">Path of the folder.</param>
    /// <param name="device">Where the network runs.</param>
    /// <param name="threads">Threads of a CPU run; null leaves the choice to ONNX Runtime.</param>
    /// <param name="useCache">False encodes the whole text in every forward pass, for cross-checks; so does a folder without model_cached.onnx.</param>
    /// <param name="allowTf32">Lets a GPU round the factors of float32 products to TF32: faster, logits are then off by up to 6e-3.</param>
    /// <param name="inFloat32">Computes the products of an int8 or int4 model in float32, as GPUs do: slower on a CPU, and log-probabilities of the same tokens
    /// agree to some 1e-4 however they are asked, where integer products leave some 0.01 a token, in single texts 0.03.</param>
    /// <exception cref="ModelFolderException">The folder cannot be used; the message names the file.</exception>
    /// <exception cref="DeviceNotAvailableException">The device is not there; the message says which are.</exception>
    public static TextInfiller Open(string folder, Device device = Device.Cpu, int? threads = null, bool useCache = true, bool allowTf32 = false, bool inFloat32 = false)
    {
        ModelFolder checkedFolder = ModelFolder.Open(folder);
        InfillTokenizer? tokenizer = checkedFolder.TokenizerPath is string path
            ? InfillTokenizer.Read(checkedFolder.Read(ModelFolder.TokenizerFile), path, checkedFolder.Manifest)
            : null;
        if (tokenizer is not null && !Enumerable.Range(0, checkedFolder.Manifest.VocabularySize).Any(tokenizer.IsText))
            throw new ModelFolderException($"{checkedFolder.FullPath}: special_ids in asarm.json leave no token to generate.");
        NgramTable? ngrams = NgramFile.Read(checkedFolder);
        return new TextInfiller(checkedFolder, OnnxModelLoader.Open(checkedFolder, device, threads, useCache, allowTf32, inFloat32), tokenizer, ngrams, device);
    }

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

    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public Task<InfillResult> InfillAsync(string text, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillAsync(new InfillRequest(text, options ?? new()), cancellationToken);

    /// <inheritdoc cref="Infill(InfillPrompt, InfillOptions, CancellationToken)" />
    public Task<InfillResult> InfillAsync(InfillPrompt prompt, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillAsync(new InfillRequest(prompt, options ?? new()), cancellationToken);

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

    /// <summary>Fills the gaps of one text and tells of every forward pass; the last update holds the filled text.</summary>
    /// <inheritdoc cref="Infill(string, InfillOptions, CancellationToken)" />
    public IAsyncEnumerable<InfillUpdate> InfillStreamAsync(string text, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillStreamAsync(new InfillRequest(text, options ?? new()), cancellationToken);

    /// <summary>Fills the gaps of one prompt and tells of every forward pass; the last update holds the filled text.</summary>
    /// <inheritdoc cref="Infill(InfillPrompt, InfillOptions, CancellationToken)" />
    public IAsyncEnumerable<InfillUpdate> InfillStreamAsync(InfillPrompt prompt, InfillOptions? options = null, CancellationToken cancellationToken = default) =>
        InfillStreamAsync(new InfillRequest(prompt, options ?? new()), cancellationToken);

    /// <summary>
    /// The exact log-probability of the marked spans given the rest of the text, in one forward pass. As in <see cref="GapSpacing.AsTyped" />
    /// the character before a span is given: its first token is scored among those that agree with it.
    /// </summary>
    /// <param name="text">[[...]] marks a span; \[ is a plain [.</param>
    /// <param name="cancellationToken">Stops within the forward pass.</param>
    /// <exception cref="InfillTextException">No span, a gap, too many tokens, or characters that the model does not know.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime could not run the graph.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    public ScoreResult Score(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        TextLimits.RequireCharacters(text.Length);
        return Score(ScorePrompt.Parse(text), window: false, cancellationToken);
    }

    /// <summary>The exact log-probability of the spans of a prompt given the rest of the text, in one forward pass.</summary>
    /// <param name="prompt">With one span at least.</param>
    /// <param name="window">
    /// Of a text that is longer than the model takes, the model sees all spans and as much text on both sides as it takes. A text that the
    /// model takes is scored as without it.
    /// </param>
    /// <param name="cancellationToken">Stops within the forward pass.</param>
    /// <exception cref="InfillTextException">No span, a gap, too many tokens, or characters that the model does not know.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    public ScoreResult Score(ScorePrompt prompt, bool window = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        InfillText.RequireTargets(prompt.Segments, spans: true, null);
        InfillText encoded = SpanWindow.Encode(prompt.Segments, Encoder(GapSpacing.AsTyped), window);
        double[] scores = [];
        var options = new SamplingOptions { BannedTokens = _setting.Banned, BannedTokensAt = encoded.BannedAt };
        _runner.InTurn(
            () => scores = JointDensity.LogProbabilities(_model, Order.LeftToRight(encoded.Given), encoded.Tokens, options, cancellationToken),
            cancellationToken);
        return encoded.Score(scores);
    }

    /// <summary>
    /// The log-probability of a result's generated tokens under the model's joint distribution with the options it was filled with, in one model
    /// call. For an exact sampler it is the one in the statistics; for <see cref="SamplerKind.Parallel" /> it is what that departs from.
    /// </summary>
    /// <param name="result">From an infiller with this model.</param>
    /// <param name="cancellationToken">Stops within the forward pass.</param>
    /// <exception cref="ArgumentException">A result that was made by hand, or by another model.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    public double JointLogProbability(InfillResult result, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result.Sequences.Count == 0)
            throw new ArgumentException("The result holds no tokens.", nameof(result));
        if (result.Sequences.Any(filled => filled.Model != Folder.Manifest.Identity))
            throw new ArgumentException("The result is of another model.", nameof(result));
        return result.Sequences.Sum(filled => LogProbabilities(filled, cancellationToken).Sum());
    }

    /// <summary>[TargetCount] the log-probabilities of a sequence's targets by rank, in one forward pass.</summary>
    internal double[] LogProbabilities(FilledSequence filled, CancellationToken cancellationToken)
    {
        double[] logs = [];
        _runner.InTurn(() => logs = JointDensity.LogProbabilities(_model, filled.Order, filled.Tokens, filled.Distribution, cancellationToken), cancellationToken);
        return logs;
    }

    /// <summary>Waits for a call under way, then releases the network; later calls throw.</summary>
    public void Dispose() => _runner.Dispose();

    private async Task<InfillResult> InfillAsync(InfillRequest request, CancellationToken cancellationToken)
    {
        InfillJob job = CreateJob(request, mode: DraftMode.Latency);
        await foreach (bool _ in _runner.StepsAsync(job, cancellationToken).ConfigureAwait(false))
        {
        }

        return job.Result();
    }

    private async IAsyncEnumerable<InfillUpdate> InfillStreamAsync(InfillRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        InfillJob job = CreateJob(request, mode: DraftMode.Latency);
        await foreach (bool _ in _runner.StepsAsync(job, cancellationToken).ConfigureAwait(false))
            yield return job.Update();
    }

    private InfillJob CreateJob(InfillRequest request, DraftMode mode)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(request.Options);
        return new InfillJob(Encode(request), request.Options, _setting, mode);
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

    private SegmentEncoder Encoder(GapSpacing spacing) => new(RequireTokenizer(), Folder.Manifest, spacing);

    private InfillTokenizer RequireTokenizer() =>
        _tokenizer ?? throw new ModelFolderException($"{Folder.FullPath} has no tokenizer (spiece.model): it takes tokens, not text.");
}
