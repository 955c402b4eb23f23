namespace AsArm.Inference.Devices;

/// <summary>The sizes of a dynamic dimension for which TensorRT builds an engine.</summary>
/// <param name="Min">The smallest, at least 0.</param>
/// <param name="Opt">The one that the engine is optimised for.</param>
/// <param name="Max">The largest.</param>
public readonly record struct SizeRange(int Min, int Opt, int Max)
{
    internal bool IsValid => Min >= 0 && Min <= Opt && Opt <= Max && Max > 0;
}
