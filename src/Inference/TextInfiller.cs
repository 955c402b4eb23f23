using System.Runtime.CompilerServices;
using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>
/// Fills the gaps of texts and scores marked spans with one model. Safe for concurrent callers, who take turns: put texts that
/// arrive together into one batch.
/// </summary>
/// <example><code>
/// using var infiller = TextInfiller.Open("models/stories-en-6m");
/// InfillResult result = infiller.Infill("The cat &lt;mask:3&gt; the mat.");
/// </code></example>
public sealed class TextInfiller : IDisposable
{
    /// <summary>Sequences that share a model call at most; of more, one enters when another is finished.</summary>
    public const int MaximumBatch = 16;

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
        _runner = new JobRunner(model, MaximumBatch, null);
    }

    /// <summary>The folder that was opened.</summary>
    public ModelFolder Folder { get; }

    /// <summary>The network itself, for calls with tokens instead of text; not to be used while a text is being filled.</summary>
    public IAnySubsetModel Model => _model;

    /// <summary>Opens a model folder: checks its files, loads network and tokenizer.</summary>
    /// <param name="folder">Path of the folder.</param>
    /// <param name="device">Where the network runs.</param>
    /// <param name="threads">Threads of a CPU run; null leaves the choice to ONNX Runtime.</param>
    /// <param name="useCache">False encodes the whole text in every model call, for cross-checks; so does a folder without model_cached.onnx.</param>
    /// <param name="allowTf32">Lets a GPU round the factors of float32 products to TF32: faster, logits are then off by up to 6e-3.</param>
    /// <exception cref="ModelFolderException">The folder cannot be used; the message names the file.</exception>
    /// <exception cref="DeviceNotAvailableException">The device is not there; the message says which are.</exception>
    public static TextInfiller Open(string folder, Device device = Device.Cpu, int? threads = null, bool useCache = true, bool allowTf32 = false)
    {
        ModelFolder checkedFolder = ModelFolder.Open(folder);
        InfillTokenizer? tokenizer = checkedFolder.TokenizerPath is string path
            ? InfillTokenizer.Read(checkedFolder.Read(ModelFolder.TokenizerFile), path, checkedFolder.Manifest)
            : null;
        if (tokenizer is not null && !Enumerable.Range(0, checkedFolder.Manifest.VocabularySize).Any(tokenizer.IsText))
            throw new ModelFolderException($"{checkedFolder.FullPath}: special_ids in asarm.json leave no token to generate.");
        NgramTable? ngrams = NgramFile.Read(checkedFolder);
        return new TextInfiller(checkedFolder, OnnxAnySubsetModel.Open(checkedFolder, device, threads, useCache, allowTf32), tokenizer, ngrams, device);
    }

    /// <summary>Throws what filling the text would throw for its markup and length; calls no model.</summary>
    /// <exception cref="InfillTextException">No gap, a malformed one, or too many tokens.</exception>
    public void Validate(string text) => Encode(text, spans: false);

    /// <summary>Fills the gaps of one text.</summary>
    /// <param name="text">&lt;mask&gt; is one unknown token, &lt;mask:N&gt; a gap of N; \&lt; is a plain &lt;.</param>
    /// <param name="options">How; the defaults are exact samples of the model's own law.</param>
    /// <param name="cancellation">Stops within a model call.</param>
    /// <exception cref="InfillTextException">No gap, a malformed one, or too many tokens.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime could not run the graph.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public InfillResult Infill(string text, InfillOptions? options = null, CancellationToken cancellation = default) =>
        InfillBatch([new InfillRequest(text, options ?? new())], cancellation)[0];

    /// <inheritdoc cref="Infill" />
    public async Task<InfillResult> InfillAsync(string text, InfillOptions? options = null, CancellationToken cancellation = default)
    {
        InfillJob job = CreateJob(new InfillRequest(text, options ?? new()), inBatch: false);
        await foreach (bool _ in _runner.StepsAsync(job, cancellation).ConfigureAwait(false))
        {
        }

        return job.Result();
    }

    /// <summary>
    /// Fills many texts, up to <see cref="MaximumBatch" /> in each model call; each as in any other batch of two and more, up to the
    /// rounding of the network's float32 sums. With a cache, on a CPU, the sums are the same and so are the texts.
    /// <see cref="SamplerKind.Fused" /> plans for shared calls, so a seed may give another sample than alone, see
    /// <see cref="InfillOptions.InBatch" />; the others give the same.
    /// </summary>
    /// <inheritdoc cref="Infill" />
    public IReadOnlyList<InfillResult> InfillBatch(IReadOnlyList<InfillRequest> requests, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        InfillJob[] jobs = [.. requests.Select(request => CreateJob(request, inBatch: requests.Count > 1))]; // all, so that a bad one is told before any work
        return [.. _runner.Run(jobs, cancellation)];
    }

    /// <summary>
    /// Fills texts as they come, like <see cref="InfillBatch" />: takes the next request when a text is finished, and gives the results in
    /// the order of the requests. A bad request throws when it is taken.
    /// </summary>
    /// <inheritdoc cref="Infill" />
    public IEnumerable<InfillResult> InfillMany(IEnumerable<InfillRequest> requests, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return _runner.Run(requests.Select(request => CreateJob(request, inBatch: true)), cancellation);
    }

    /// <summary>Fills the gaps of one text and tells of every model call; the last update holds the filled text.</summary>
    /// <inheritdoc cref="Infill" />
    public async IAsyncEnumerable<InfillUpdate> InfillStreamAsync(
        string text, InfillOptions? options = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        InfillJob job = CreateJob(new InfillRequest(text, options ?? new()), inBatch: false);
        await foreach (bool _ in _runner.StepsAsync(job, cancellation).ConfigureAwait(false))
            yield return job.Update();
    }

    /// <summary>The exact log-probability of the marked spans given the rest of the text, in one model call.</summary>
    /// <param name="text">[[...]] marks a span; \[ is a plain [.</param>
    /// <param name="cancellation">Stops within the model call.</param>
    /// <exception cref="InfillTextException">No span, a gap, too many tokens, or characters that the model does not know.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime could not run the graph.</exception>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    public ScoreResult Score(string text, CancellationToken cancellation = default)
    {
        InfillText encoded = Encode(text, spans: true);
        double[] scores = [];
        _runner.InTurn(
            () => scores = JointDensity.LogProbabilities(
                _model, Order.LeftToRight(encoded.Given), encoded.Tokens, new SamplingOptions { BannedTokens = _setting.Banned }, cancellation),
            cancellation);
        return encoded.Score(scores);
    }

    /// <summary>
    /// The log-probability of a result's generated tokens under the model's joint law with the options it was filled with, in one model
    /// call. For an exact sampler it is the one in the statistics; for <see cref="SamplerKind.Parallel" /> it is what that departs from.
    /// </summary>
    /// <param name="result">From an infiller with this model.</param>
    /// <param name="cancellation">Stops within the model call.</param>
    /// <exception cref="ArgumentException">A result that was made by hand, or by another model.</exception>
    /// <exception cref="ModelOutputException">The network answered with NaN or infinite logits.</exception>
    public double JointLogProbability(InfillResult result, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(result);
        FilledSequence filled = result.Sequence ?? throw new ArgumentException("The result holds no tokens.", nameof(result));
        if (filled.Model != Folder.Manifest.Identity)
            throw new ArgumentException("The result is of another model.", nameof(result));
        double sum = 0;
        _runner.InTurn(
            () => sum = JointDensity.LogProbabilities(_model, filled.Order, filled.Tokens, filled.Law, cancellation).Sum(), cancellation);
        return sum;
    }

    /// <summary>Waits for a call under way, then lets go of the network; later calls throw.</summary>
    public void Dispose() => _runner.Dispose();

    private InfillJob CreateJob(InfillRequest request, bool inBatch)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(request.Options);
        return new InfillJob(Encode(request.Text, spans: false), request.Options, _setting, inBatch);
    }

    private InfillText Encode(string text, bool spans)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (_tokenizer is null)
            throw new ModelFolderException($"{Folder.FullPath} has no tokenizer (spiece.model): it takes tokens, not text.");
        return InfillText.Encode(text, spans, _tokenizer, Folder.Manifest);
    }
}
