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
            var head = new DraftHead(ReadWeights(file, manifest.ModelDimension));
            return head.VocabularySize == manifest.VocabularySize ? head
                : throw new ArgumentException($"a draft head of {head.VocabularySize} tokens, the model has {manifest.VocabularySize}");
        }
        catch (ArgumentException error)
        {
            throw new ModelFolderException($"{folder.DraftHeadPath} cannot be used: {error.Message}.", error);
        }
    }

    private static DraftHeadWeights ReadWeights(Safetensors file, int stateSize) => new()
    {
        StateSize = stateSize,
        State = Float16(file, "state.weight"),
        Context = Float16(file, "context.weight"),
        MissingTokens = Float16(file, "context.missing"),
        HiddenBias = Float16(file, "hidden.bias"),
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
