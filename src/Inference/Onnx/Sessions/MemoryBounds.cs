using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>How much memory the buffers of a model take beside its weights.</summary>
internal static class MemoryBounds
{
    /// <summary>
    /// Inputs and outputs of a run, unless a single sequence has more: what is asked together is then answered in several runs. As much stays, of buffers
    /// and of the cache each, when nothing is under way; more is released.
    /// </summary>
    public const long RetainedBytes = 64L << 20;

    /// <summary>Calls in a row for which half of the cache would have done, before it gets smaller: short texts among long ones do not move it.</summary>
    public const int Patience = 64;

    /// <summary>Keys and values that a run of the graph with the cache writes for one content position, and the zeros that stand for a past.</summary>
    public static long ContentBytes(ModelManifest manifest) => ((2L * manifest.Layers) + 1) * manifest.ModelDimension * sizeof(float);

    /// <summary>Logits of one query position.</summary>
    public static long TargetBytes(ModelManifest manifest) => (long)manifest.VocabularySize * sizeof(float);
}
