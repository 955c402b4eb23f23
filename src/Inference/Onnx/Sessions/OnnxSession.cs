using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Providers;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>Opens ONNX Runtime sessions. All session options are set here, except those of devices, which <see cref="ProviderConfiguration" /> has.</summary>
internal static class OnnxSession
{
    /// <summary>Errors are thrown; logging them would print them on standard error as well.</summary>
    public const OrtLoggingLevel LogSeverity = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;

    private static readonly string[] s_fileErrors = ["NoSuchFile", "NoModel", "InvalidProtobuf", "InvalidGraph"];

    /// <summary>Opens a session over a graph.</summary>
    /// <param name="graph">The ONNX file.</param>
    /// <param name="execution">Device and numeric settings.</param>
    /// <param name="isFloat32">Whether the graph computes in float32.</param>
    /// <exception cref="DeviceNotAvailableException">The device is not available in this build or on this machine, or would not run the whole graph.</exception>
    /// <exception cref="ModelFolderException">The file is not an ONNX model that this version of ONNX Runtime can load.</exception>
    /// <exception cref="ArgumentException">An option of the device does not fit it or the graph.</exception>
    public static InferenceSession Open(GraphFile graph, ExecutionSettings execution, bool isFloat32)
    {
        Device device = execution.Device;
        execution.Options.Validate(device);
        using SessionOptions options = CreateOptions(execution);
        if (graph.WeightsFolder is not null)
            options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", graph.WeightsFolder);
        if (device == Device.Cpu)
            return Load(graph, device, options);
        GraphDescription description = Describe(graph);
        IReadOnlyCollection<string> providers = AddProviders(options, execution, isFloat32, description.Inputs);
        InferenceSession session = Load(graph, device, options);
        if (Refusal(session, providers, description) is not string reason)
            return session;
        session.Dispose();
        throw new DeviceNotAvailableException($"Device {device} does not run the whole of {graph.Path}: {reason}.");
    }

    /// <summary>An exception's message without line breaks.</summary>
    public static string OneLine(Exception error) => error.Message.ReplaceLineEndings(" ").Trim();

    /// <summary>Why a session does not run on the given providers alone, but for shapes; null if it does.</summary>
    internal static string? Refusal(InferenceSession session, IReadOnlyCollection<string> providers, GraphDescription description)
    {
        try
        {
            return GraphAssignment.Refusal(AssignmentReader.Read(session), providers, description.Floats);
        }
        catch (Exception error) when (error is NotSupportedException or DllNotFoundException or EntryPointNotFoundException or MissingMethodException)
        {
            return $"it cannot be seen which nodes it runs ({OneLine(error)})";
        }
    }

    private static GraphDescription Describe(GraphFile graph)
    {
        try
        {
            return GraphDescription.Read(graph.Bytes);
        }
        catch (InvalidDataException error)
        {
            throw new ModelFolderException($"{graph.Path} is not a model that ONNX Runtime can load: {error.Message}.", error);
        }
    }

    private static InferenceSession Load(GraphFile graph, Device device, SessionOptions options)
    {
        try
        {
            return new InferenceSession(graph.Bytes, options);
        }
        catch (OnnxRuntimeException error) when (device == Device.Cpu || IsFileError(error))
        {
            throw new ModelFolderException($"{graph.Path} is not a model that ONNX Runtime can load: {OneLine(error)}", error);
        }
        catch (OnnxRuntimeException error)
        {
            throw Unavailable(device, OneLine(error), error);
        }
    }

    private static SessionOptions CreateOptions(ExecutionSettings execution)
    {
        bool isCpu = execution.Device == Device.Cpu;
        OnnxEnvironment.Get(); // its error names the package that is missing
        var options = new SessionOptions { LogSeverityLevel = LogSeverity };
        // Threads spin between the operators of a run, which saves some 8 % of a small run, and stop spinning after it.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", isCpu ? "1" : "0");
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        options.EnableMemoryPattern = false; // memory patterns are per shape: shapes vary, and the peak is lower without them
        options.IntraOpNumThreads = isCpu ? execution.Threads ?? 0 : 1;
        return options;
    }

    /// <summary>Adds the provider of the device, and that for nodes that it does not support.</summary>
    /// <returns>Their names.</returns>
    private static List<string> AddProviders(SessionOptions session, ExecutionSettings execution, bool isFloat32, IReadOnlyList<GraphInput> inputs)
    {
        (Device device, DeviceOptions options) = (execution.Device, execution.Options with { CudaGraphs = execution.CapturesGraphs });
        var provider = ExecutionProvider.Of(device);
        string? library = ProviderLibraries.PathOf(options);
        ProviderSource source = provider.Find(library, out string? reason) ?? throw Unavailable(device, reason!, null, library);
        if (isFloat32 && ExecutionProvider.Float32UnavailableReason(device, options) is string inexact)
            throw Unavailable(device, inexact, null);
        ProviderConfiguration configuration = ProviderConfiguration.Of(device, options, inputs);
        var names = new List<string> { source.OnnxName };
        try
        {
            source.AddTo(session, configuration.Options);
            if (provider.Base is not null)
            {
                ProviderSource beside = provider.Base.Find(null, out reason) ?? throw Unavailable(device, reason!, null);
                beside.AddTo(session, ProviderConfiguration.CudaBesideTensorRT(device, options));
                names.Add(beside.OnnxName);
            }
        }
        catch (Exception error) when (error is OnnxRuntimeException or EntryPointNotFoundException)
        {
            throw Unavailable(device, OneLine(error), error);
        }

        foreach ((string name, string value) in configuration.SessionEntries)
            session.AddSessionConfigEntry(name, value);
        session.AddSessionConfigEntry(AssignmentReader.SessionEntry, "1");
        return names;
    }

    private static DeviceNotAvailableException Unavailable(Device device, string reason, Exception? inner, string? library = null)
    {
        string available = string.Join(", ", AvailableDevices.List());
        string advice = library is not null ? ""
            : device.IsWellKnown ? "For an NVIDIA GPU build with -p:AsArmGpu=true on a machine with its driver and CUDA, for TensorRT with TensorRT and cuDNN besides; "
            : "Other execution providers come with a package of ONNX Runtime that has them, or as a library with --ep-library; ";
        string message = $"Device {device} is not available ({reason}). Available: {available}. {advice}asarm info --devices shows what there is and what is missing.";
        return inner is null ? new DeviceNotAvailableException(message) : new DeviceNotAvailableException(message, inner);
    }

    /// <summary>Whether the error is one of the file; ONNX Runtime has its error code in the message only.</summary>
    private static bool IsFileError(OnnxRuntimeException error) =>
        s_fileErrors.Any(code => error.Message.Contains($"ErrorCode:{code}", StringComparison.Ordinal));
}
