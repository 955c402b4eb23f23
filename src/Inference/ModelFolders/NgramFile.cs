using AsArm.Assd.Ngrams;

namespace AsArm.Inference.ModelFolders;

/// <summary>Reads the n-gram table of a model folder. It is read into memory and not mapped: truncating a mapped file would end the process.</summary>
internal static class NgramFile
{
    /// <summary>Reads and checks the table of a folder; null for a folder without one.</summary>
    /// <exception cref="ModelFolderException">The table is damaged, or of another vocabulary.</exception>
    public static NgramTable? Read(ModelFolder folder)
    {
        if (folder.NgramsPath is not string path)
            return null;
        try
        {
            NgramTable table = NgramTable.Open(folder.Read(ModelFolder.NgramsFile));
            return table.VocabularySize == folder.Manifest.VocabularySize ? table
                : throw new NgramTableException($"an n-gram table of {table.VocabularySize} tokens, the model has {folder.Manifest.VocabularySize}");
        }
        catch (NgramTableException error)
        {
            throw new ModelFolderException($"{path} cannot be used: {error.Message}.", error);
        }
    }
}
