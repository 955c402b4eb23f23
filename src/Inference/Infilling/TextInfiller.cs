using AsArm.Assd.Models;
using AsArm.Assd.Ngrams;
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
public sealed partial class TextInfiller : IDisposable
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

    /// <summary>Waits for a call under way, then releases the network; later calls throw.</summary>
    public void Dispose() => _runner.Dispose();

    private SegmentEncoder Encoder(GapSpacing spacing) => new(RequireTokenizer(), Folder.Manifest, spacing);

    private InfillTokenizer RequireTokenizer() =>
        _tokenizer ?? throw new ModelFolderException($"{Folder.FullPath} has no tokenizer (spiece.model): it takes tokens, not text.");
}
