using AsArm.Assd.Planning;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Selects the cost of a forward pass for draft policies. It comes from an option or from asarm.json (<see cref="PassOverhead" />) and is never
/// measured while a text is filled, as the draft policy of <see cref="FusedSampler" /> determines which text a seed gives (docs/decisions/0025).
/// </summary>
internal static class ForwardPassCosts
{
    /// <summary>Neutral overhead in tokens on a CPU: reading all weights costs as much as processing 12 to 24 tokens, whatever the size of the model.</summary>
    private const double NeutralCpuOverhead = 16;

    /// <summary>
    /// Neutral overhead in tokens on a GPU, where the kernels of a pass take as long as processing hundreds of tokens: 2.1 ms beside 4 µs a token at XLNet-base
    /// size on an H200, with the cache on the device and CUDA graphs.
    /// </summary>
    private const double NeutralGpuOverhead = 500;

    /// <summary>The cost of a forward pass, per sequence.</summary>
    /// <param name="figures">The measurements of the model; null for neutral values.</param>
    /// <param name="device">The device that runs it.</param>
    /// <param name="overhead">The overhead of a pass of one sequence in tokens, which replaces the measured one; null for that of the model.</param>
    /// <param name="mode">In throughput mode a sequence bears its share of the cost of a full batch.</param>
    public static ForwardPassCost Of(DraftingFigures? figures, Device device, double? overhead, DraftMode mode)
    {
        PassOverhead? measured = overhead is null ? figures?.ForwardPassOverhead?.Of(device) : null;
        ForwardPassCost alone = ForwardPassCost.OfOverhead(overhead ?? measured?.Alone ?? (device == Device.Cpu ? NeutralCpuOverhead : NeutralGpuOverhead));
        if (mode == DraftMode.Latency)
            return alone;
        return measured is null ? alone.SharedBy(TextInfiller.MaxBatchSize) : ForwardPassCost.OfOverhead(measured.Batch);
    }
}
