namespace AsArm.Inference.Devices;

/// <summary>The device that runs the network.</summary>
public enum Device
{
    /// <summary>The CPU; available in every build.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU through the CUDA execution provider.</summary>
    Cuda,

    /// <summary>An NVIDIA GPU through the TensorRT execution provider; nodes that TensorRT does not support run on CUDA.</summary>
    TensorRT,
}
