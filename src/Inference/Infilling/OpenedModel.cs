using AsArm.Assd.DraftHeads;
using AsArm.Assd.Ngrams;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Providers;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>What is read of a model folder to fill texts.</summary>
/// <param name="Folder">The checked folder.</param>
/// <param name="Network">Its network.</param>
/// <param name="Tokenizer">Its tokenizer; null if it has none.</param>
/// <param name="Ngrams">Its n-grams; null if it has none.</param>
/// <param name="Head">Its draft head; null if it has none.</param>
internal sealed record OpenedModel(ModelFolder Folder, OnnxAnySubsetModel Network, InfillTokenizer? Tokenizer, NgramTable? Ngrams, DraftHead? Head)
{
    /// <summary>Checks the files of a folder, then loads the network, and meanwhile the tokenizer, the n-grams and the draft head on another thread.</summary>
    /// <inheritdoc cref="TextInfiller.Open(string, TextInfillerOptions)" />
    public static OpenedModel Open(string path, TextInfillerOptions options)
    {
        Task library = Task.Run(OnnxEnvironment.LoadLibrary);
        ModelFolder folder = ModelFolder.Open(path);
        library.GetAwaiter().GetResult();
        Task<(InfillTokenizer? Tokenizer, NgramTable? Ngrams, DraftHead? Head)> reading = Task.Run(
            () => (ReadTokenizer(folder), NgramFile.Read(folder), DraftHeadFile.Read(folder)));
        OnnxAnySubsetModel network = OpenDuring(
            reading, () => OnnxModelLoader.Open(folder, options.Device, options.Threads, options.UseCache, options.DeviceOptions, options.UseFloat32));
        return new OpenedModel(folder, network, reading.Result.Tokenizer, reading.Result.Ngrams, reading.Result.Head);
    }

    /// <summary>Opens the network while another thread reads the other files, and waits for that. Errors of those files come first.</summary>
    private static OnnxAnySubsetModel OpenDuring(Task reading, Func<OnnxAnySubsetModel> open)
    {
        OnnxAnySubsetModel? network = null;
        try
        {
            network = open();
            reading.GetAwaiter().GetResult();
            return network;
        }
        catch
        {
            network?.Dispose();
            reading.GetAwaiter().GetResult();
            throw;
        }
    }

    private static InfillTokenizer? ReadTokenizer(ModelFolder folder)
    {
        if (!folder.HasTokenizer)
            return null;
        InfillTokenizer tokenizer = InfillTokenizer.Open(folder);
        return Enumerable.Range(0, folder.Manifest.VocabularySize).Any(tokenizer.IsText) ? tokenizer
            : throw new ModelFolderException($"{folder.FullPath}: special_ids in asarm.json leave no token that can be generated.");
    }
}
