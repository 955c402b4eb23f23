namespace AsArm.Assd.Randomness;

/// <summary>
/// The SplitMix64 generator (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"), with 53 random bits per number.
/// A seed gives the same numbers on every machine and in every .NET version.
/// </summary>
public sealed class SplitMix64(long seed) : IRandomSource
{
    private ulong _state = unchecked((ulong)seed);

    /// <inheritdoc />
    public double NextDouble()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        mixed ^= mixed >> 31;
        return (mixed >> 11) * (1.0 / (1UL << 53));
    }
}
