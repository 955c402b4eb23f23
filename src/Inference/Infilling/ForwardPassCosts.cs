using AsArm.Assd.Planning;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Infilling;

/// <summary>
/// What a forward pass of a model costs on a device, against the tokens that it processes: as asarm.json has it, see
/// <see cref="PassOverhead" />, and never measured when a text is filled. The plan of <see cref="FusedSampler" /> depends on it, and with
/// the plan the text that a seed gives (docs/decisions/0025).
/// </summary>
internal static class ForwardPassCosts
{
    /// <summary>A CPU reads all weights in a pass of few tokens, which costs as much as computing a dozen or two, whatever the size.</summary>
    private const double NeutralOnCpu = 16;

    /// <summary>A GPU computes dozens of tokens in the time that it takes to launch a pass.</summary>
    private const double NeutralOnGpu = 100;

    /// <summary>The cost that a sequence sees.</summary>
    /// <param name="figures">Those of the model; null for neutral ones.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="overhead">The overhead of a pass of one sequence in tokens, where it is known better.</param>
    /// <param name="mode">The mode of requests that do not name one.</param>
    public static ForwardPassCost Of(DraftingFigures? figures, Device device, double? overhead, DraftMode mode)
    {
        PassOverhead? measured = overhead is null ? figures?.ForwardPassOverhead?.Of(device) : null;
        ForwardPassCost alone = ForwardPassCost.OfOverhead(overhead ?? measured?.Alone ?? (device == Device.Cpu ? NeutralOnCpu : NeutralOnGpu));
        if (mode == DraftMode.Latency)
            return alone;
        return measured is null ? alone.SharedBy(TextInfiller.MaxBatchSize) : ForwardPassCost.OfOverhead(measured.Batch);
    }
}
