using AsArm.Assd.Models;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Scheduling;
using AsArm.Inference.Text;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Fills the gaps of texts and scores marked spans with a model folder on ONNX Runtime. Thread-safe: the requests of all callers wait in one queue,
/// first come, first served, and share forward passes. The blocking methods block their thread and no other: they may be called on all threads of the
/// pool at once, and <see cref="InfillOptions.Timeout" /> holds for them; but a server should call the asynchronous ones.
/// </summary>
/// <example><code>
/// await using TextInfiller infiller = await TextInfiller.OpenAsync("models/english-18m");
/// InfillResult result = await infiller.InfillAsync("The cat &lt;mask:3&gt; the mat.");
/// </code></example>
public sealed partial class TextInfiller : ITextInfiller, IDisposable, IAsyncDisposable
{
    /// <summary>The maximum number of sequences that share a forward pass; other requests wait until one of them is done.</summary>
    public const int MaxBatchSize = 16;

    private readonly IAnySubsetModel _network;
    private readonly InfillTokenizer? _tokenizer;
    private readonly InfillSetting _setting;
    private readonly Scheduler _scheduler;
    private readonly RequestRunner _runner;
    private readonly TextInfillerOptions _options;

    private TextInfiller(OpenedModel opened, IAnySubsetModel network, TextInfillerOptions options)
    {
        (ModelFolder folder, InfillTokenizer? tokenizer) = (opened.Folder, opened.Tokenizer);
        Folder = folder;
        Model = new InfillModelInfo(folder.Name, network.MaxLength, network.VocabularySize, options.Device);
        (_network, _tokenizer, _options) = (network, tokenizer, options);
        int[] banned = tokenizer is null ? [] : [.. Enumerable.Range(0, network.VocabularySize).Where(token => !tokenizer.IsText(token))];
        _setting = new InfillSetting(folder.Manifest, options.Device, banned, opened.Ngrams)
        {
            Head = opened.Head?.StateSize == network.StateSize ? opened.Head : null, // the stateless graph returns no states
        };
        bool hasCache = opened.Network is CachedOnnxModel;
        _scheduler = new Scheduler(network, new SchedulerOptions(folder.Name, MaxBatchSize, options.MaxQueuedRequests, options.QueueFullMode, hasCache));
        _runner = new RequestRunner(_scheduler, folder.Name);
    }

    /// <inheritdoc />
    public InfillModelInfo Model { get; }

    /// <summary>The folder that was opened.</summary>
    public ModelFolder Folder { get; }

    /// <summary>
    /// Why CUDA graphs are not used although the device has them, which makes forward passes slower; null if they are used, or the device has none. Known after the
    /// first repeated shape of a pass.
    /// </summary>
    public string? CudaGraphFailure => (_network as OnnxAnySubsetModel)?.CudaGraphFailure;

    /// <summary>The settings that all requests share.</summary>
    internal InfillSetting Setting => _setting;

    /// <summary>The folder's tokenizer.</summary>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    internal InfillTokenizer InfillTokenizer => RequireTokenizer();

    /// <inheritdoc />
    public Tokenizer Tokenizer => RequireTokenizer().Tokenizer;

    /// <inheritdoc />
    public TokenCount CountTokens(InfillPrompt prompt) => RequireTokenizer().CountTokens(prompt);

    /// <summary>
    /// Opens a model folder: checks its files, then loads the network, the tokenizer and the n-grams. While the model is open ONNX Runtime may map
    /// model.onnx_data, so that no file of the folder may be overwritten or truncated: that changes answers or ends the process. Write a new version into a new
    /// folder and rename; to rename or delete the old one does no harm.
    /// </summary>
    /// <param name="folder">Path of the folder.</param>
    /// <param name="options">How it is opened and shared.</param>
    /// <exception cref="ModelFolderException">The folder cannot be used; the message names the file.</exception>
    /// <exception cref="DeviceNotAvailableException">The device is not available; the message lists those that are.</exception>
    /// <exception cref="ArgumentException">The path is null, empty or not one, or an option is not one of the device.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public static TextInfiller Open(string folder, TextInfillerOptions? options = null) => Open(folder, options ?? new(), model => model);

    /// <summary>Opens a model folder with another network in place of its own, for tests.</summary>
    internal static TextInfiller Open(string folder, TextInfillerOptions options, Func<OnnxAnySubsetModel, IAnySubsetModel> replace)
    {
        options.Validate();
        OpenedModel opened = OpenedModel.Open(folder, options);
        return new TextInfiller(opened, replace(opened.Network), options);
    }

    /// <summary>
    /// Opens a model folder on another thread. As with <see cref="Open(string, TextInfillerOptions)" /> its files may not be overwritten while the model is open. All
    /// errors are those of the task.
    /// </summary>
    /// <param name="folder">Path of the folder.</param>
    /// <param name="options">How it is opened and shared.</param>
    /// <param name="cancellationToken">Cancels the wait; what was opened meanwhile is closed again.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <inheritdoc cref="Open(string, TextInfillerOptions)" />
    public static async Task<TextInfiller> OpenAsync(string folder, TextInfillerOptions? options = null, CancellationToken cancellationToken = default)
    {
        Task<TextInfiller> opening = Task.Run(() => Open(folder, options), cancellationToken);
        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Tasks.OnEnd(opening, () => (opening.IsCompletedSuccessfully ? opening.Result : null)?.Dispose());
            throw;
        }
    }

    /// <summary>Runs a forward pass of the whole network, so that the first request does not pay for it.</summary>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <exception cref="ModelRunException">ONNX Runtime failed to run the graph.</exception>
    public async Task WarmUpAsync(CancellationToken cancellationToken = default) =>
        await this.InfillAsync("<mask:2>", new InfillOptions { Seed = 0 }, cancellationToken).ConfigureAwait(false);

    /// <summary>Accepts no more requests, and waits for those that were accepted. To be followed by <see cref="DisposeAsync" />.</summary>
    /// <param name="cancellationToken">Cancels the requests that are left.</param>
    /// <exception cref="OperationCanceledException">Cancelled before all requests had ended.</exception>
    public Task DrainAsync(CancellationToken cancellationToken = default) => _scheduler.DrainAsync(cancellationToken);

    /// <summary>Ends all requests with <see cref="ObjectDisposedException" />, waits for a running forward pass, and releases the network.</summary>
    public void Dispose() => _scheduler.Dispose();

    /// <inheritdoc cref="Dispose" />
    public async ValueTask DisposeAsync() => await Task.Run(_scheduler.Dispose).ConfigureAwait(false);

    /// <summary>Runs an action between two forward passes, while nobody else uses the network. For measurements.</summary>
    internal void RunExclusive(Action<IAnySubsetModel> action) => _scheduler.RunExclusiveAsync(() => action(_network)).GetAwaiter().GetResult();

    private SegmentEncoder Encoder(GapSpacing spacing) => new(RequireTokenizer(), Folder.Manifest, spacing);

    private InfillTokenizer RequireTokenizer() =>
        _tokenizer ?? throw new ModelFolderException($"{Folder.FullPath} has no tokenizer (spiece.model): it can be used with tokens only.");
}
