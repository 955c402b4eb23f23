using AsArm.Inference.Tokenization;

namespace AsArm.Inference.ModelFolders;

/// <summary>The most that a model folder may ask for, whatever its files say; docs/limits.md lists what that costs.</summary>
internal static class ModelLimits
{
    /// <summary>asarm.json.</summary>
    public const long ManifestBytes = 4L << 20;

    /// <summary>config.json and other descriptions in JSON.</summary>
    public const long ConfigBytes = 4L << 20;

    /// <summary>spiece.model.</summary>
    public const long TokenizerBytes = 16L << 20;

    /// <summary>golden.safetensors, also one that is named with --golden.</summary>
    public const long GoldenBytes = 256L << 20;

    /// <summary>The JSON header of a safetensors file.</summary>
    public const int GoldenHeaderBytes = 4 << 20;

    /// <summary>ngrams.bin.</summary>
    public const long NgramBytes = 256L << 20;

    /// <summary>model.onnx and model_cached.onnx: a protobuf message ends before 2 GiB, and an array does.</summary>
    public const long GraphBytes = 2_147_000_000;

    /// <summary>model.onnx_data, and any file that the runtime only hashes.</summary>
    public const long WeightBytes = 64L << 30;

    /// <summary>Files that asarm.json lists.</summary>
    public const int Files = 256;

    /// <summary>Tokens of a sequence.</summary>
    public const int Length = 1_000_000;

    /// <summary>Tokens of the vocabulary.</summary>
    public const int Vocabulary = TokenizerLimits.Pieces;

    /// <summary>Layers of the network.</summary>
    public const int Layers = 256;

    /// <summary>Width of a hidden state, which is also the most heads and the largest block.</summary>
    public const int Dimension = 1 << 16;

    /// <summary>Logits of a sequence whose every token is asked for: an array has no more elements.</summary>
    public const long Logits = int.MaxValue;

    /// <summary>Keys and values of one sequence of the maximum length; the table of positions is as large.</summary>
    public const long SequenceBytes = 16L << 30;

    /// <summary>Graphs within graphs of an ONNX file.</summary>
    public const int GraphDepth = 16;

    /// <summary>The most bytes of a file of a model folder, by its name.</summary>
    public static long BytesOf(string name) => name switch
    {
        ModelFolder.ManifestFile => ManifestBytes,
        ModelFolder.OnnxFile or ModelFolder.CachedOnnxFile or ModelFolder.Float32OnnxFile or ModelFolder.CachedFloat32OnnxFile => GraphBytes,
        ModelFolder.TokenizerFile => TokenizerBytes,
        ModelFolder.GoldenFile => GoldenBytes,
        ModelFolder.NgramsFile => NgramBytes,
        _ => name.EndsWith(".json", StringComparison.Ordinal) ? ConfigBytes : WeightBytes,
    };
}
