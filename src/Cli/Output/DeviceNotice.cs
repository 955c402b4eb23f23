using AsArm.Inference.Infilling;

namespace AsArm.Cli.Output;

/// <summary>What a user should know of the device once texts were filled.</summary>
internal static class DeviceNotice
{
    /// <summary>Says once that passes take longer than they need to, where that is so.</summary>
    public static void Print(TextInfiller infiller, TextWriter error)
    {
        if (infiller.CudaGraphFailure is string reason)
            error.WriteLine($"asarm: CUDA graphs are not used, so that forward passes take longer: {reason}");
    }
}
