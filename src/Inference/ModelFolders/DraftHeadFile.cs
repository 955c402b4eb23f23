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
        Safetensors file = Safetensors.Open(folder, ModelFolder.DraftHeadFile);
        RequireShapes(folder, file);
        try
        {
            return new DraftHead(ReadWeights(file));
        }
        catch (ArgumentException error)
        {
            throw new ModelFolderException($"{folder.DraftHeadPath} cannot be used: {error.Message}", error);
        }
    }

    /// <summary>The hidden size and that of embeddings are the file's own; all other extents follow from the model.</summary>
    private static void RequireShapes(ModelFolder folder, Safetensors file)
    {
        (int vocabulary, int state) = (folder.Manifest.VocabularySize, folder.Manifest.ModelDimension);
        int hidden = file.ShapeOf(Prefix + "hidden.bias") is [int one] ? one : 0, size = file.ShapeOf(Prefix + "output.bias") is [int other] ? other : 0;
        (string Name, int[] Shape)[] expected =
        [
            ("hidden.weight", [hidden, state + (DraftHeadWeights.ContextTokens * size)]), ("hidden.bias", [hidden]), ("missing_tokens", [DraftHeadWeights.ContextTokens, size]),
            ("output.weight", [size, hidden]), ("output.bias", [size]), ("input_embedding.weight", [vocabulary, size]), ("input_embedding.scale", [vocabulary]),
            ("output_embedding.weight", [vocabulary, size]), ("output_embedding.scale", [vocabulary]), ("ngram_exponent", [1]),
        ];
        foreach ((string name, int[] shape) in expected)
        {
            IReadOnlyList<int> found = file.ShapeOf(Prefix + name);
            if (!found.SequenceEqual(shape))
                throw new ModelFolderException($"{folder.DraftHeadPath} cannot be used: {name} is [{string.Join(", ", found)}], with this model it must be [{string.Join(", ", shape)}].");
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
        NgramExponent = file.Read<float>(Prefix + "ngram_exponent")[0],
    };

    private static float[] Float16(Safetensors file, string name)
    {
        Half[] values = file.Read<Half>(Prefix + name);
        var result = new float[values.Length];
        TensorPrimitives.ConvertToSingle(values, result);
        return result;
    }
}
