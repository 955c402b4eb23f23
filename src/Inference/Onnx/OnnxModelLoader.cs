using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Onnx.Stateless;

namespace AsArm.Inference.Onnx;

/// <summary>Opens the network of a model folder.</summary>
public static class OnnxModelLoader
{
    /// <summary>Opens the graph with the key/value cache if the folder has one, else the stateless one, and checks its inputs and outputs.</summary>
    /// <param name="folder">A checked folder.</param>
    /// <param name="device">The device that runs it; by default the CPU.</param>
    /// <param name="threads">Intra-op threads on a CPU, from 1 to 1024; null leaves the choice to ONNX Runtime.</param>
    /// <param name="useCache">False selects the stateless graph, for cross-checks.</param>
    /// <param name="deviceOptions">How the device is set up; null for the defaults.</param>
    /// <param name="inFloat32">Runs an int8 or int4 model in float32 on a CPU too, as GPUs always do.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of threads or an option is out of range.</exception>
    /// <exception cref="ArgumentException">An option is not one of the device.</exception>
    /// <exception cref="ModelFolderException">A graph is damaged, missing or of another model.</exception>
    /// <exception cref="DeviceNotAvailableException">The device is not available, would not run the whole graph, or the folder has no graph for it.</exception>
    public static OnnxAnySubsetModel Open(
        ModelFolder folder, Device device = default, int? threads = null, bool useCache = true, DeviceOptions? deviceOptions = null, bool inFloat32 = false)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ExecutionSettings.RequireThreads(threads, nameof(threads));
        var execution = new ExecutionSettings(device, threads, deviceOptions, inFloat32);
        return useCache && folder.GraphPath(execution, useCache: true) is not null
            ? CachedOnnxModel.Open(folder, execution)
            : StatelessOnnxModel.Open(folder, execution);
    }
}
