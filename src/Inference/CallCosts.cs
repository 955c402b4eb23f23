using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>
/// What a call of a model costs on a device, against its rows. A table and not a measurement: the plan of <see cref="FusedSampler" />
/// depends on it, and with the plan the text that a seed gives (docs/decisions/0007). `asarm bench` prints the measured figure.
/// </summary>
internal static class CallCosts
{
    /// <summary>Sequences that a call of a batch is taken to serve, however many it does; results must not depend on it.</summary>
    private const int UsualBatch = 8;

    private const long InProcessorCache = 16_000_000; // parameters; 64 MB

    /// <summary>The cost that a sequence sees.</summary>
    /// <param name="manifest">The model.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="rows">The fixed part in rows, where it is known better; null for the usual one.</param>
    /// <param name="inBatch">Whether other sequences share the calls.</param>
    public static CallCost Of(ModelManifest manifest, Device device, double? rows, bool inBatch)
    {
        CallCost alone = CallCost.OfRows(rows ?? UsualRows(manifest, device));
        return inBatch ? alone.SharedBy(UsualBatch) : alone;
    }

    private static double UsualRows(ModelManifest manifest, Device device) => device switch
    {
        Device.Cpu => manifest.IsInteger || IsSmall(manifest) ? 16 : 24,
        _ => 100, // not measured: rows are nearly free there
    };

    private static bool IsSmall(ModelManifest manifest)
    {
        long width = manifest.ModelDimension;
        return 12 * manifest.Layers * width * width + manifest.VocabularySize * width < InProcessorCache;
    }
}
