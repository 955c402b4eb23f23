namespace AsArm.Inference;

/// <summary>Where and how a network runs.</summary>
/// <param name="Device">The device.</param>
/// <param name="Threads">Threads of a CPU run; null leaves the choice to ONNX Runtime (one a physical core).</param>
/// <param name="AllowTf32">Whether a GPU may round the factors of float32 products to TF32.</param>
internal readonly record struct Placement(Device Device, int? Threads = null, bool AllowTf32 = false);
