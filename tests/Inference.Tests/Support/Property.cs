using System.Globalization;
using CsCheck;

namespace AsArm.Inference.Tests.Support;

/// <summary>Property tests with random values that are the same in every run.</summary>
internal static class Property
{
    private const int DefaultCount = 10_000;

    /// <summary>Mutation testing, which runs these tests many times, sets a limit (.ci/mutation).</summary>
    private static readonly int s_limit =
        int.TryParse(Environment.GetEnvironmentVariable("ASARM_PROPERTY_LIMIT"), CultureInfo.InvariantCulture, out int limit) ? limit : int.MaxValue;

    public static void ForEach<T>(Gen<T> generator, Action<T> check, int count = DefaultCount)
    {
        var random = new PCG(stream: 1, seed: 20_261_128);
        for (int i = 0; i < Math.Min(count, s_limit); i++)
            check(generator.Generate(random, null, out _));
    }
}
