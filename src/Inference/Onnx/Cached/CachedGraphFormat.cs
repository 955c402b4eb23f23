using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// How model_cached.onnx is run over a cache. The graph updates the cache in place: the same tensors are its inputs past_key_values and its outputs
/// present. <see cref="TwoPartFormat" /> overrides what differs in folders of earlier formats.
/// </summary>
/// <param name="contract">The inputs and outputs of the graph.</param>
internal class CachedGraphFormat(GraphContract contract)
{
    private const int Granularity = 64; // slot lengths are 16 more than a multiple of it, so that the layout rarely changes

    /// <summary>
    /// Slots have a multiple of 16 positions, the most numbers of a vector register. Kernels that take the last few numbers of a row by themselves would
    /// else sum it in another order, and a sequence would have other bits when another one makes its slot longer.
    /// </summary>
    private const int Lanes = 16;

    /// <summary>The inputs and outputs of the graph.</summary>
    public GraphContract Contract { get; } = contract;

    /// <summary>Size of the buffers of a content position beside its inputs, in bytes.</summary>
    public virtual long ContentBytes => 0;

    /// <summary>The format of a folder's graph.</summary>
    public static CachedGraphFormat Of(ModelManifest manifest) =>
        manifest.UpdatesCacheInPlace ? new CachedGraphFormat(GraphContract.Cached(manifest)) : new TwoPartFormat(manifest);

    /// <summary>
    /// Number of positions of a slot for sequences up to a length. The last position is spare: no token has it, and padding rows, whose keys and values
    /// the graph writes too, are directed to it.
    /// </summary>
    public virtual int SlotLength(int longest) => RoundUp(longest) + Lanes;

    /// <summary>Allocates the buffers for a number of content positions, instead of the former buffers.</summary>
    public virtual void Allocate(int content)
    {
    }

    /// <summary>Ranks below it are in past_ranks: all known ones, as the graph reads new keys and values from the cache after it has written them.</summary>
    public virtual int PastCount(PlannedSequence sequence) => sequence.State.KnownCount;

    /// <summary>Writes the rank of a content position, where the graph has an input for it.</summary>
    public virtual void WriteRank(int index, int rank)
    {
    }

    /// <summary>Binds the tensors of a shape.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="shape">The dimensions of the run.</param>
    /// <param name="inputs">The integer inputs that all formats have.</param>
    /// <param name="cache">The keys and values, by port.</param>
    /// <param name="logits">The output for the logits.</param>
    /// <param name="states">The output for the states of targets; null if the contract has none.</param>
    public virtual BoundTensors Bind(OnnxGraph graph, CachedShape shape, OrtValue[] inputs, OrtValue[] cache, OrtValue logits, OrtValue? states) =>
        new(graph, [.. inputs, .. cache], states is null ? [logits, .. cache] : [logits, .. cache, states]);

    /// <summary>Puts new keys and values of one sequence into the cache after a run, if the graph has not done it.</summary>
    /// <param name="cache">The cache.</param>
    /// <param name="slot">Index of the slot.</param>
    /// <param name="positions">The content positions.</param>
    /// <param name="first">Index of the first of them in the content inputs.</param>
    public virtual void Store(IKeyValueCache cache, int slot, ReadOnlySpan<int> positions, int first)
    {
    }

    /// <summary>A length rounded up so that few different ones occur.</summary>
    protected static int RoundUp(int length) => (length + Granularity - 1) / Granularity * Granularity;
}
