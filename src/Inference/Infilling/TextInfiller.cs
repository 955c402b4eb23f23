using AsArm.Assd.Models;
using AsArm.Assd.Ngrams;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Fills the gaps of texts and scores marked spans with one model. Thread-safe: concurrent callers alternate by
/// forward pass, so a batch of texts is faster than concurrent calls.
/// </summary>
/// <example><code>
/// using var infiller = TextInfiller.Open("models/english-18m");
/// InfillResult result = infiller.Infill("The cat &lt;mask:3&gt; the mat.");
/// </code></example>
public sealed partial class TextInfiller : IDisposable
{
    /// <summary>Limit of the sequences that share a forward pass; with more requests, the next one starts when another is finished.</summary>
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

    /// <summary>The network, for use with tokens instead of text. Must not be used while a text is being filled.</summary>
    public IAnySubsetModel Model => _model;

    /// <summary>The settings that all requests share.</summary>
    internal InfillSetting Setting => _setting;

    /// <summary>The folder's tokenizer.</summary>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    internal InfillTokenizer Tokenizer => RequireTokenizer();

    /// <summary>Opens a model folder: checks its files, then loads the network, the tokenizer and the n-grams.</summary>
    /// <param name="folder">Path of the folder.</param>
    /// <param name="device">The device that runs the network.</param>
    /// <param name="threads">Intra-op threads on a CPU; null leaves the choice to ONNX Runtime.</param>
    /// <param name="useCache">False processes the whole text in every forward pass, for cross-checks; so does a folder without model_cached.onnx.</param>
    /// <param name="allowTf32">Lets a GPU use TF32 for float32 matrix products: faster, but logits differ by up to 6e-3.</param>
    /// <param name="inFloat32">Runs an int8 or int4 model in float32, as GPUs do. It is slower on a CPU, but log-probabilities of the same tokens from different
    /// forward passes agree within about 1e-4; with integer arithmetic they differ by about 0.01 per token, up to 0.03 in single texts.</param>
    /// <exception cref="ModelFolderException">The folder cannot be used; the message names the file.</exception>
    /// <exception cref="DeviceNotAvailableException">The device is not available; the message lists those that are.</exception>
    public static TextInfiller Open(string folder, Device device = Device.Cpu, int? threads = null, bool useCache = true, bool allowTf32 = false, bool inFloat32 = false)
    {
        Task library = Task.Run(OnnxEnvironment.LoadLibrary);
        ModelFolder checkedFolder = ModelFolder.Open(folder);
        library.GetAwaiter().GetResult();
        // Opening the network takes longest, and one thread: the other files are read meanwhile.
        Task<(InfillTokenizer? Tokenizer, NgramTable? Ngrams)> reading = Task.Run(() => (ReadTokenizer(checkedFolder), NgramFile.Read(checkedFolder)));
        OnnxAnySubsetModel model = OpenDuring(reading, () => OnnxModelLoader.Open(checkedFolder, device, threads, useCache, allowTf32, inFloat32));
        return new TextInfiller(checkedFolder, model, reading.Result.Tokenizer, reading.Result.Ngrams, device);
    }

    /// <summary>Opens the network while another thread reads the other files, and waits for that. Errors of those files come first.</summary>
    private static OnnxAnySubsetModel OpenDuring(Task reading, Func<OnnxAnySubsetModel> open)
    {
        OnnxAnySubsetModel? model = null;
        try
        {
            model = open();
            reading.GetAwaiter().GetResult();
            return model;
        }
        catch
        {
            model?.Dispose();
            reading.GetAwaiter().GetResult();
            throw;
        }
    }

    private static InfillTokenizer? ReadTokenizer(ModelFolder folder)
    {
        if (folder.TokenizerPath is not string path)
            return null;
        InfillTokenizer tokenizer = InfillTokenizer.Read(folder.Read(ModelFolder.TokenizerFile), path, folder.Manifest);
        return Enumerable.Range(0, folder.Manifest.VocabularySize).Any(tokenizer.IsText) ? tokenizer
            : throw new ModelFolderException($"{folder.FullPath}: special_ids in asarm.json leave no token that can be generated.");
    }

    /// <summary>Waits for a running forward pass, then releases the network; later calls throw.</summary>
    public void Dispose() => _runner.Dispose();

    private SegmentEncoder Encoder(GapSpacing spacing) => new(RequireTokenizer(), Folder.Manifest, spacing);

    private InfillTokenizer RequireTokenizer() =>
        _tokenizer ?? throw new ModelFolderException($"{Folder.FullPath} has no tokenizer (spiece.model): it can be used with tokens only.");
}
