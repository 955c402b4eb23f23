using System.Numerics;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>What a run of the graph costs and may take on a kind of device, and to which sizes its dimensions are rounded up.</summary>
/// <param name="RunCost">The fixed cost of a run, in processed tokens.</param>
/// <param name="MaxScores">Limit of the attention scores [batch, heads, past, positions] of a run of several sequences, which bounds its memory.</param>
/// <param name="MaxRunBytes">Limit of the buffers of a run of several sequences, padding included.</param>
/// <param name="RetainedBytes">Size up to which buffers are retained after a pass.</param>
/// <param name="CacheBytes">The default limit of the cache.</param>
/// <param name="UsesBuckets">
/// Whether batch, content and query positions are rounded up to powers of two, and slots to 128 positions and a power of two: few shapes occur then,
/// which captured graphs and compiled engines need.
/// </param>
internal sealed record RunLimits(int RunCost, long MaxScores, long MaxRunBytes, long RetainedBytes, long CacheBytes, bool UsesBuckets)
{
    private const int SlotStep = 128;

    /// <summary>A CPU. The cost of a run was measured as 35 at XLNet-base size in float32: 35 ms per run, 0.9 ms per token.</summary>
    public static RunLimits Cpu { get; } = new(32, 1 << 22, MemoryBounds.RetainedBytes, MemoryBounds.RetainedBytes, 2L << 30, UsesBuckets: false);

    /// <summary>A GPU. Measured at XLNet-base size on an H200 with CUDA graphs: 2.1 ms per run, 4 µs per token.</summary>
    public static RunLimits Gpu { get; } = new(500, 1 << 26, 256L << 20, 1L << 30, 4L << 30, UsesBuckets: true);

    /// <summary>The length of the longest sequence, rounded up.</summary>
    public int RoundLength(int longest) => UsesBuckets ? (longest + SlotStep - 1) / SlotStep * SlotStep : longest;

    /// <summary>A batch, a number of positions, or a number of slots, rounded up.</summary>
    public int Round(int size) => UsesBuckets ? checked((int)BitOperations.RoundUpToPowerOf2((uint)size)) : size;

    /// <summary>The shape that a run has in place of the smallest possible one: padding is added.</summary>
    /// <param name="shape">The smallest shape.</param>
    /// <param name="slots">Number of slots that there are.</param>
    public CachedShape Round(CachedShape shape, int slots) => shape with
    {
        Batch = Math.Min(Round(shape.Batch), slots - shape.FirstSlot),
        Content = Round(shape.Content),
        Targets = Round(shape.Targets),
    };
}
