namespace AsArm.Inference.Devices;

/// <summary>Where and how a network runs.</summary>
/// <param name="Device">The device.</param>
/// <param name="Threads">Threads of a CPU run; null leaves the choice to ONNX Runtime (one a physical core).</param>
/// <param name="AllowTf32">Whether a GPU may round the factors of float32 products to TF32.</param>
/// <param name="Float32">Whether integer products are to be computed in float32 on a CPU too.</param>
internal readonly record struct ExecutionSettings(Device Device, int? Threads = null, bool AllowTf32 = false, bool Float32 = false)
{
    /// <summary>Whether the graphs with float32 products are taken; GPUs have no kernels for integer ones.</summary>
    public bool UsesFloat32Graphs => Float32 || Device != Device.Cpu;
}
