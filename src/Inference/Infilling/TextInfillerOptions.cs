using AsArm.Inference.Devices;
using AsArm.Inference.Scheduling;

namespace AsArm.Inference.Infilling;

/// <summary>How a model is opened and shared.</summary>
public sealed record TextInfillerOptions
{
    /// <summary>The default of <see cref="MaxQueuedRequests" />.</summary>
    public const int DefaultMaxQueuedRequests = 1024;

    /// <summary>The device that runs the network.</summary>
    public Device Device { get; init; } = Device.Cpu;

    /// <summary>The largest number of <see cref="Threads" />.</summary>
    public const int MaxThreads = ExecutionSettings.MaxThreads;

    /// <summary>Intra-op threads on a CPU, from 1 to <see cref="MaxThreads" />; null leaves the choice to ONNX Runtime.</summary>
    public int? Threads { get; init; }

    /// <summary>False processes the whole text in every forward pass, for cross-checks; so does a folder without model_cached.onnx.</summary>
    public bool UseCache { get; init; } = true;

    /// <summary>How the device is set up.</summary>
    public DeviceOptions DeviceOptions { get; init; } = new();

    /// <summary>
    /// Runs an int8 or int4 model in float32, as GPUs do. It is slower on a CPU, but log-probabilities of the same tokens with and without a cache agree
    /// within about 1e-4; with integer arithmetic they differ by about 0.03 per token. Model folders before format 3 have about half of that between
    /// forward passes with a cache, too.
    /// </summary>
    public bool UseFloat32 { get; init; }

    /// <summary>The draft mode of single requests that do not name one; batches have <see cref="Infilling.DraftMode.Throughput" />.</summary>
    public DraftMode DraftMode { get; init; } = DraftMode.Latency;

    /// <summary>The maximum number of requests that wait for their first forward pass, at least 1. The batch takes requests between forward passes only, so with less than 16 a burst of calls does not fill it.</summary>
    public int MaxQueuedRequests { get; init; } = DefaultMaxQueuedRequests;

    /// <summary>What becomes of a request that finds the queue full.</summary>
    public QueueFullMode QueueFullMode { get; init; } = QueueFullMode.Wait;

    /// <summary>Throws unless all values are in range, and options of the device.</summary>
    /// <exception cref="ArgumentException">Names the option.</exception>
    internal void Validate()
    {
        DeviceOptions.Validate(Device);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxQueuedRequests, 1);
        ExecutionSettings.RequireThreads(Threads, nameof(Threads));
        if (!Enum.IsDefined(DraftMode))
            throw new ArgumentOutOfRangeException(nameof(DraftMode), DraftMode, "It is not a draft mode.");
        if (!Enum.IsDefined(QueueFullMode))
            throw new ArgumentOutOfRangeException(nameof(QueueFullMode), QueueFullMode, "It is not a mode of the queue.");
    }
}
