using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Exactness;

namespace AsArm.Assd.Tests.Randomness;

[TestClass]
public sealed class SplitMix64Tests
{
    [TestMethod]
    public void NextDouble_SeedZero_EqualsThePublishedNumbers()
    {
        var random = new SplitMix64(0);
        ulong[] published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC, 0x1B39896A51A8749B];
        foreach (ulong bits in published)
            Assert.AreEqual((bits >> 11) / 9007199254740992.0, random.NextDouble());
    }

    [TestMethod]
    public void NextDouble_SameSeed_GivesTheSameNumbers()
    {
        var first = new SplitMix64(-7);
        var second = new SplitMix64(-7);
        for (int i = 0; i < 100; i++)
            Assert.AreEqual(first.NextDouble(), second.NextDouble());
    }

    [TestMethod]
    public void NextDouble_ManyTimes_IsUniformInZeroToOne()
    {
        var random = new SplitMix64(long.MinValue);
        AssertUniform(_ => random.NextDouble());
    }

    [TestMethod]
    public void NextDouble_FirstNumbersOfConsecutiveSeeds_AreUniform() => AssertUniform(seed => new SplitMix64(seed).NextDouble());

    private static void AssertUniform(Func<int, double> uniform)
    {
        var counts = new int[100];
        for (int i = 0; i < 100_000; i++)
        {
            double value = uniform(i);
            Assert.IsTrue(value is >= 0 and < 1);
            counts[(int)(value * counts.Length)]++;
        }

        Assert.IsGreaterThan(1e-4, GoodnessOfFit.Compare(counts, [.. Enumerable.Repeat(0.01, 100)]).PValue);
    }
}
