namespace AsArm.Inference.Devices;

/// <summary>The device and the numeric settings of a session.</summary>
/// <param name="Device">The device.</param>
/// <param name="Threads">Intra-op threads on a CPU; null leaves the choice to ONNX Runtime (one per physical core).</param>
/// <param name="DeviceOptions">How the device is set up; null for the defaults.</param>
/// <param name="Float32">Whether an int8 or int4 model computes in float32 on a CPU too.</param>
internal readonly record struct ExecutionSettings(Device Device, int? Threads = null, DeviceOptions? DeviceOptions = null, bool Float32 = false)
{
    /// <summary>The largest number of <see cref="Threads" />: ONNX Runtime starts all of them, whatever the machine.</summary>
    public const int MaxThreads = 1024;

    /// <summary>Throws unless a number of threads is in range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public static void RequireThreads(int? threads, string name)
    {
        if (threads is < 1 or > MaxThreads)
            throw new ArgumentOutOfRangeException(name, threads, $"{name} must be from 1 to {MaxThreads}.");
    }

    /// <summary>Whether an int8 or int4 model runs its float32 graphs; GPUs have no kernels for the integer ones.</summary>
    public bool UsesFloat32Graphs => Float32 || Device != Device.Cpu;

    /// <summary>Whether runs of equal shapes are captured as CUDA graphs and replayed; that of the options with CUDA, unless it is set.</summary>
    public bool CapturesGraphs
    {
        get => _captures ?? (Device.Name == Device.CudaName && Options.CudaGraphs);
        init => _captures = value;
    }

    private readonly bool? _captures;

    /// <summary>How the device is set up.</summary>
    public DeviceOptions Options => DeviceOptions ?? s_default;

    private static readonly DeviceOptions s_default = new();
}
