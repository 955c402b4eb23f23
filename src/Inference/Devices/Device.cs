namespace AsArm.Inference.Devices;

/// <summary>Where the network runs.</summary>
public enum Device
{
    /// <summary>The CPU, in every build.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU through the CUDA execution provider.</summary>
    Cuda,

    /// <summary>An NVIDIA GPU through TensorRT, what it does not take through CUDA.</summary>
    TensorRT,
}
