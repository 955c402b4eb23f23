using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>
/// What a forward pass of a model costs on a device, against the tokens that it processes: as asarm.json has it, see
/// <see cref="PassOverhead" />, and never measured when a text is filled. The plan of <see cref="FusedSampler" /> depends on it, and with
/// the plan the text that a seed gives (docs/decisions/0025).
/// </summary>
internal static class CallCosts
{
    /// <summary>A CPU reads all weights in a pass of few tokens, which costs as much as computing a dozen or two, whatever the size.</summary>
    private const double NeutralOnCpu = 16;

    /// <summary>A GPU computes dozens of tokens in the time that it takes to launch a pass.</summary>
    private const double NeutralOnGpu = 100;

    /// <summary>The cost that a sequence sees.</summary>
    /// <param name="figures">Those of the model; null for neutral ones.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="overhead">The overhead of a pass of one sequence in tokens, where it is known better.</param>
    /// <param name="inBatch">Whether other sequences share the passes; how many they are must not matter.</param>
    public static CallCost Of(DraftingFigures? figures, Device device, double? overhead, bool inBatch)
    {
        PassOverhead? measured = overhead is null ? figures?.ForwardPassOverhead?.Of(device) : null;
        CallCost alone = CallCost.OfRows(overhead ?? measured?.Alone ?? (device == Device.Cpu ? NeutralOnCpu : NeutralOnGpu));
        if (!inBatch)
            return alone;
        return measured is null ? alone.SharedBy(TextInfiller.MaximumBatch) : CallCost.OfRows(measured.Batch);
    }
}
