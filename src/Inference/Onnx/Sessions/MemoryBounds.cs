using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>Limits and sizes of the buffers of a model.</summary>
internal static class MemoryBounds
{
    /// <summary>
    /// Limit of the inputs and outputs of a run of several sequences, and of the keys and values of those without a slot in the cache; a larger
    /// forward pass is split into several runs. It is also the size up to which this memory is retained after a pass, and the cache when no sequence is left.
    /// </summary>
    public const long RetainedBytes = 64L << 20;

    /// <summary>Number of consecutive forward passes for which half of the cache must be enough before it shrinks, so that alternating long and short texts do not resize it.</summary>
    public const int PassesBeforeShrinking = 64;

    /// <summary>Size of the logits of one query position.</summary>
    public static long TargetBytes(ModelManifest manifest) => (long)manifest.VocabularySize * sizeof(float);

    /// <summary>Size of the logits of one query position of the graph with the cache, and of its state for a draft head.</summary>
    public static long CachedTargetBytes(ModelManifest manifest) =>
        TargetBytes(manifest) + (manifest.HasDraftHead ? manifest.ModelDimension * (long)manifest.CacheElementBytes : 0);
}
