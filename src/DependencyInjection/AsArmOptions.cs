using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Scheduling;

namespace AsArm.Extensions.DependencyInjection;

/// <summary>Settings of a registered <see cref="ITextInfiller" />, for code and configuration.</summary>
/// <example><code>
/// { "AsArm": { "ModelPath": "models/english-18m", "MaxQueuedRequests": 256, "QueueFullMode": "Reject" } }
/// </code></example>
public sealed class AsArmOptions
{
    /// <summary>Name of the configuration section that is customary.</summary>
    public const string SectionName = "AsArm";

    /// <summary>Path of the model folder; required. A relative one is below the content root of the host, or else the working directory.</summary>
    public string? ModelPath { get; set; }

    /// <summary>The device that runs the network, as <see cref="Inference.Devices.Device.Parse(string)" /> reads it: cpu, cuda, cuda:1, tensorrt or the name of another execution provider.</summary>
    public string Device { get; set; } = "cpu";

    /// <summary>Intra-op threads on a CPU, from 1 to <see cref="TextInfillerOptions.MaxThreads" />; null leaves the choice to ONNX Runtime.</summary>
    public int? Threads { get; set; }

    /// <summary>False processes the whole text in every forward pass, for cross-checks.</summary>
    public bool UseCache { get; set; } = true;

    /// <summary>How the device is set up.</summary>
    public DeviceOptions DeviceOptions { get; set; } = new();

    /// <summary>Runs an int8 or int4 model in float32, see <see cref="TextInfillerOptions.UseFloat32" />.</summary>
    public bool UseFloat32 { get; set; }

    /// <summary>
    /// The draft mode of requests that do not name one. <see cref="DraftMode.Throughput" /> is the choice for concurrent callers;
    /// <see cref="DraftMode.Latency" />, the default, for single ones.
    /// </summary>
    public DraftMode DraftMode { get; set; } = DraftMode.Latency;

    /// <summary>The maximum number of requests that wait for their first forward pass, see <see cref="TextInfillerOptions.MaxQueuedRequests" />.</summary>
    public int MaxQueuedRequests { get; set; } = TextInfillerOptions.DefaultMaxQueuedRequests;

    /// <summary>What becomes of a request that finds the queue full.</summary>
    public QueueFullMode QueueFullMode { get; set; } = QueueFullMode.Wait;

    /// <summary>Whether the host opens the model and runs a forward pass before it has started; otherwise the first request opens it.</summary>
    public bool WarmUp { get; set; } = true;

    internal TextInfillerOptions ToInfillerOptions() => new()
    {
        Device = Inference.Devices.Device.Parse(Device),
        Threads = Threads,
        UseCache = UseCache,
        DeviceOptions = DeviceOptions,
        UseFloat32 = UseFloat32,
        DraftMode = DraftMode,
        MaxQueuedRequests = MaxQueuedRequests,
        QueueFullMode = QueueFullMode,
    };
}
