using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Text;

/// <summary>Reads the tokenizer files of a model folder.</summary>
internal static class TokenizerFiles
{
    /// <summary>Reads the tokenizer of a folder, of whichever kind it is.</summary>
    /// <exception cref="ModelFolderException">The folder has no tokenizer, or a damaged one; the message names the file.</exception>
    public static TokenizerAdapter Read(ModelFolder folder)
    {
        if (folder.Manifest.IsByteLevel)
            return ReadByteLevel(folder);
        string path = folder.TokenizerPath ?? throw new ModelFolderException($"{folder.FullPath} has no tokenizer (spiece.model).");
        return ReadSentencePiece(folder.Read(ModelFolder.TokenizerFile), path, folder.Manifest);
    }

    /// <summary>Reads the bytes of a SentencePiece .model file.</summary>
    /// <exception cref="ModelFolderException">The file is damaged, not a unigram model, has byte fallback, or is larger than the vocabulary.</exception>
    public static TokenizerAdapter ReadSentencePiece(byte[] bytes, string path, ModelManifest manifest) => NameFile(path, () =>
    {
        SentencePieceModel model = SentencePieceModel.Parse(bytes);
        int last = model.Pieces.Count - 1;
        if (last >= manifest.VocabularySize)
            throw new InvalidDataException($"it has a piece {last}, the network's vocabulary ends at {manifest.VocabularySize - 1}");
        return new SentencePieceAdapter(model, manifest.TextRules, isCode: manifest.TextEncoding is not null);
    });

    private static ByteLevelAdapter ReadByteLevel(ModelFolder folder)
    {
        ModelManifest manifest = folder.Manifest;
        HashSet<int> special = [.. manifest.SpecialIds, manifest.MaskId];
        byte[] pieces = folder.Read(ModelFolder.VocabularyFile), merges = folder.Read(ModelFolder.MergesFile);
        ByteLevelVocabulary vocabulary = NameFile(
            Path.Combine(folder.FullPath, ModelFolder.VocabularyFile), () => ByteLevelVocabulary.Read(pieces, manifest.VocabularySize, special.Contains));
        return NameFile(Path.Combine(folder.FullPath, ModelFolder.MergesFile), () =>
        {
            vocabulary.ReadMerges(merges);
            return new ByteLevelAdapter(vocabulary);
        });
    }

    private static T NameFile<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException error)
        {
            throw new ModelFolderException($"{path} is not a tokenizer for this model: {error.Message.ReplaceLineEndings(" ").TrimEnd('.')}.", error);
        }
    }
}
