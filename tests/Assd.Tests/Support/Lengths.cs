namespace AsArm.Assd.Tests.Support;

/// <summary>Every length around the widths of vector registers and blocks, and one vocabulary of a real model.</summary>
internal static class Lengths
{
    public static IEnumerable<int> All => [.. Enumerable.Range(1, 256), 257, 511, 512, 513, 32_000];
}
