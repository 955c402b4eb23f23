using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Support;

/// <summary>Random numbers chosen by a test, in order; throws when there are no more.</summary>
internal sealed class ScriptedRandom(params double[] random) : IRandomSource
{
    private int _next;

    public int Left => random.Length - _next;

    public double NextDouble() => _next < random.Length
        ? random[_next++]
        : throw new InvalidOperationException($"More than {random.Length} random numbers were drawn.");
}
