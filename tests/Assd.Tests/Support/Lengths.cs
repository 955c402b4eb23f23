namespace AsArm.Assd.Tests.Support;

/// <summary>Lengths around the widths of vector registers and blocks, and the vocabulary size of a real model.</summary>
internal static class Lengths
{
    public static IEnumerable<int> All => [.. Enumerable.Range(1, 256), 257, 511, 512, 513, 32_000];
}
