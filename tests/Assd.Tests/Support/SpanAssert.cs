namespace AsArm.Assd.Tests.Support;

/// <summary>Compares spans element by element.</summary>
internal static class SpanAssert
{
    public static void AreEqual<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> actual, string message = "")
    {
        if (!expected.SequenceEqual(actual))
            Assert.Fail($"Expected [{string.Join(", ", expected.ToArray())}], got [{string.Join(", ", actual.ToArray())}]. {message}");
    }
}
