using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Distributions;

[TestClass]
public sealed class TokenProbabilityTests
{
    /// <summary>As sorting all tokens gives them, ties and zeros included.</summary>
    [TestMethod]
    public void Top_RandomDistributions_AreTheFirstOfAllSorted()
    {
        var random = new SplitMix64(3);
        for (int run = 0; run < 200; run++)
        {
            float[] distribution = [.. Enumerable.Range(0, 1 + run % 40).Select(_ => (int)(4 * random.NextDouble()) / 8f)];
            TokenProbability[] sorted = [.. distribution.Select((probability, token) => new TokenProbability(token, probability))
                .Where(one => one.Probability > 0).OrderByDescending(one => one.Probability).ThenBy(one => one.Token)];
            foreach (int count in (int[])[1, 3, 10, int.MaxValue])
                CollectionAssert.AreEqual(sorted.Take(count).ToArray(), TokenProbability.Top(distribution, count));
        }
    }

    [TestMethod]
    public void Top_NoToken_Throws() => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => TokenProbability.Top([1], 0));
}
