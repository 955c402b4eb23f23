using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// Folders before <see cref="ModelManifest.InPlaceFormat" />. Their graph attends to two parts, the cache and the keys and values of the run itself:
/// content positions have ranks of their own and are not in past_ranks. It returns the new keys and values, which are copied into the cache here.
/// </summary>
/// <param name="manifest">The description of the model.</param>
internal sealed class TwoPartFormat(ModelManifest manifest) : CachedGraphFormat(GraphContract.CachedInTwoParts(manifest))
{
    private long[] _ranks = []; // content_ranks [batch, content]
    private float[][] _present = []; // by port, [batch, content, heads, head size]

    public override long ContentBytes => 2L * manifest.Layers * manifest.ModelDimension * sizeof(float);

    /// <summary>The graph has distances up to the maximum length only, and no position need be spare: padding rows are not copied.</summary>
    public override int SlotLength(int longest) => Math.Min(manifest.MaxLength, RoundUp(longest));

    public override void Allocate(int content)
    {
        _ranks = GC.AllocateUninitializedArray<long>(content, pinned: true);
        int length = checked(content * manifest.ModelDimension);
        _present = [.. Enumerable.Range(0, 2 * manifest.Layers).Select(_ => GC.AllocateUninitializedArray<float>(length, pinned: true))];
    }

    public override int PastCount(PlannedSequence sequence) => sequence.FirstRank;

    public override void WriteRank(int index, int rank) => _ranks[index] = rank;

    public override BoundTensors Bind(OnnxGraph graph, CachedShape shape, OrtValue[] inputs, OrtValue[] cache, OrtValue logits, OrtValue? states)
    {
        int[] content = [shape.Batch, shape.Content], present = [.. content, manifest.Heads, manifest.HeadSize];
        return new(
            graph, [.. inputs, .. cache, BoundTensors.Over(_ranks, content)], [logits, .. _present.Select(memory => BoundTensors.Over(memory, present))]);
    }

    public override void Store(IKeyValueCache cache, int slot, ReadOnlySpan<int> positions, int first)
    {
        int width = manifest.ModelDimension;
        for (int port = 0; port < _present.Length; port++)
            cache.Write(port, slot, positions, _present[port].AsSpan(first * width, positions.Length * width));
    }
}
