namespace AsArm.Inference.Devices;

/// <summary>How ONNX Runtime's arena of device memory grows.</summary>
public enum ArenaExtendStrategy
{
    /// <summary>By powers of two: fewer allocations.</summary>
    NextPowerOfTwo,

    /// <summary>By what is requested: less memory.</summary>
    SameAsRequested,
}
