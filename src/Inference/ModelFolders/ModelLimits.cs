using AsArm.Inference.Tokenization;

namespace AsArm.Inference.ModelFolders;

/// <summary>Upper limits on sizes in a model folder, so that a damaged or malicious one cannot exhaust memory. docs/limits.md lists them.</summary>
internal static class ModelLimits
{
    /// <summary>Size of asarm.json.</summary>
    public const long ManifestBytes = 4L << 20;

    /// <summary>Size of config.json and of other JSON files.</summary>
    public const long ConfigBytes = 4L << 20;

    /// <summary>Size of spiece.model, vocab.json and merges.txt.</summary>
    public const long TokenizerBytes = TokenizerLimits.FileBytes;

    /// <summary>Size of golden.safetensors, and of a file named with --golden.</summary>
    public const long GoldenBytes = 256L << 20;

    /// <summary>Size of the JSON header of a safetensors file.</summary>
    public const int GoldenHeaderBytes = 4 << 20;

    /// <summary>Size of ngrams.bin.</summary>
    public const long NgramBytes = 256L << 20;

    /// <summary>Size of draft_head.safetensors.</summary>
    public const long DraftHeadBytes = 256L << 20;

    /// <summary>Size of an ONNX file: protobuf messages and .NET arrays are limited to 2 GiB.</summary>
    public const long GraphBytes = 2_147_000_000;

    /// <summary>Size of model.onnx_data, and of any file that the runtime only hashes.</summary>
    public const long WeightBytes = 64L << 30;

    /// <summary>Number of files that asarm.json lists.</summary>
    public const int Files = 256;

    /// <summary>Length of a sequence, in tokens.</summary>
    public const int Length = 1_000_000;

    /// <summary>Size of the vocabulary.</summary>
    public const int Vocabulary = TokenizerLimits.Pieces;

    /// <summary>Number of layers.</summary>
    public const int Layers = 256;

    /// <summary>Width of a hidden state; also the limit of the number of heads and of the group size.</summary>
    public const int Dimension = 1 << 16;

    /// <summary>Number of logits of a sequence with a query at every position: the limit of an array.</summary>
    public const long Logits = int.MaxValue;

    /// <summary>Size of the keys and values of one sequence of the maximum length, and of the projected position table.</summary>
    public const long SequenceBytes = 16L << 30;

    /// <summary>Nesting depth of subgraphs in an ONNX file.</summary>
    public const int GraphDepth = 16;

    /// <summary>Size limit of a file of a model folder, by its name.</summary>
    public static long BytesOf(string name) => name switch
    {
        ModelFolder.ManifestFile => ManifestBytes,
        ModelFolder.OnnxFile or ModelFolder.CachedOnnxFile or ModelFolder.Float32OnnxFile or ModelFolder.CachedFloat32OnnxFile => GraphBytes,
        ModelFolder.TokenizerFile or ModelFolder.VocabularyFile or ModelFolder.MergesFile => TokenizerBytes,
        ModelFolder.GoldenFile => GoldenBytes,
        ModelFolder.NgramsFile => NgramBytes,
        ModelFolder.DraftHeadFile => DraftHeadBytes,
        _ => name.EndsWith(".json", StringComparison.Ordinal) ? ConfigBytes : WeightBytes,
    };
}
