using System.Numerics.Tensors;
using AsArm.Assd.DraftHeads;

namespace AsArm.Inference.ModelFolders;

/// <summary>Reads the draft head of a model folder (docs/draft-head-format.md).</summary>
internal static class DraftHeadFile
{
    private const string Prefix = "draft_head.";

    /// <summary>Reads and checks the draft head of a folder; null for a folder without one, or with a graph that returns no states.</summary>
    /// <exception cref="ModelFolderException">The file is damaged, or of another model.</exception>
    public static DraftHead? Read(ModelFolder folder)
    {
        if (!folder.Manifest.HasDraftHead)
            return null;
        ModelManifest manifest = folder.Manifest;
        Safetensors file = Safetensors.Open(folder, ModelFolder.DraftHeadFile);
        try
        {
            var head = new DraftHead(ReadWeights(file));
            return (head.VocabularySize, head.StateSize) == (manifest.VocabularySize, manifest.ModelDimension) ? head
                : throw new ArgumentException(
                    $"a draft head of {head.VocabularySize} tokens and states of {head.StateSize} numbers, the model has {manifest.VocabularySize} and {manifest.ModelDimension}");
        }
        catch (ArgumentException error)
        {
            throw new ModelFolderException($"{folder.DraftHeadPath} cannot be used: {error.Message}.", error);
        }
    }

    private static DraftHeadWeights ReadWeights(Safetensors file) => new()
    {
        Hidden = Float16(file, "hidden.weight"),
        HiddenBias = Float16(file, "hidden.bias"),
        MissingTokens = Float16(file, "missing_tokens"),
        Output = Float16(file, "output.weight"),
        OutputBias = Float16(file, "output.bias"),
        InputEmbedding = file.Read<sbyte>(Prefix + "input_embedding.weight"),
        InputScales = file.Read<float>(Prefix + "input_embedding.scale"),
        OutputEmbedding = file.Read<sbyte>(Prefix + "output_embedding.weight"),
        OutputScales = file.Read<float>(Prefix + "output_embedding.scale"),
        NgramExponent = file.Read<float>(Prefix + "ngram_exponent") is [float exponent] ? exponent : throw new ArgumentException("ngram_exponent is not one number"),
    };

    private static float[] Float16(Safetensors file, string name)
    {
        Half[] values = file.Read<Half>(Prefix + name);
        var result = new float[values.Length];
        TensorPrimitives.ConvertToSingle(values, result);
        return result;
    }
}
