using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Onnx.Stateless;

namespace AsArm.Inference.Onnx;

/// <summary>Opens the network of a model folder.</summary>
public static class OnnxModelLoader
{
    /// <summary>Opens the graph with the cache where the folder has it, else the stateless one, and checks its contract.</summary>
    /// <param name="folder">A checked folder.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="threads">Threads of a CPU run; null leaves the choice to ONNX Runtime.</param>
    /// <param name="useCache">False takes the stateless graph, for cross-checks.</param>
    /// <param name="allowTf32">Lets a GPU round the factors of float32 products to TF32: faster, logits are then off by up to 6e-3.</param>
    /// <param name="inFloat32">Takes an int8 or int4 folder's graphs with float32 products on a CPU too, as GPUs always do.</param>
    /// <exception cref="ModelFolderException">No such model.</exception>
    /// <exception cref="DeviceNotAvailableException">No such device, or the folder has no graph for it.</exception>
    public static OnnxAnySubsetModel Open(
        ModelFolder folder, Device device = Device.Cpu, int? threads = null, bool useCache = true, bool allowTf32 = false, bool inFloat32 = false)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var execution = new ExecutionSettings(device, threads, allowTf32, inFloat32);
        return useCache && folder.GraphPath(execution, useCache: true) is not null
            ? CachedOnnxModel.Open(folder, execution)
            : StatelessOnnxModel.Open(folder, execution);
    }
}
