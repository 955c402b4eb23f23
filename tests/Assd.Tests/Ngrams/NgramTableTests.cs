using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Ngrams;

[TestClass]
public sealed class NgramTableTests
{
    private const byte Half = 8;
    private const byte Quarter = 16;
    private const byte Zero = 255;

    /// <summary>
    /// Unigrams 1/2, 1/4, 1/4. After 0: token 1 with discounted probability 1/2, backoff weight 1/4. After 0 1: token 2 with 1/4, backoff
    /// weight 1/2. Nothing is listed after 1 and 2, with backoff weight 1.
    /// </summary>
    private static readonly byte[] _small = NgramBytes.Write(
        3,
        [([0], Half, Quarter), ([1], Quarter, 0), ([2], Quarter, 0)],
        [([0, 1], Half, Half)],
        [([0, 1, 2], Quarter, 0)]);

    [TestMethod]
    [DataRow(0, new int[0], 0.5)]
    [DataRow(1, new[] { 0 }, 0.5 + 0.25 * 0.25)]
    [DataRow(0, new[] { 0 }, 0.25 * 0.5)]
    [DataRow(2, new[] { 0, 1 }, 0.25 + 0.5 * 0.25)]
    [DataRow(0, new[] { 0, 1 }, 0.5 * 0.5)]
    [DataRow(2, new[] { 2, 2, 0, 1 }, 0.25 + 0.5 * 0.25)]
    [DataRow(1, new[] { 1, 0 }, 0.5 + 0.25 * 0.25)]
    [DataRow(2, new[] { 0, 2 }, 0.25)]
    [DataRow(2, new[] { -1 }, 0.25)]
    [DataRow(2, new[] { 70_000, 1 }, 0.25)]
    public void Probability_SmallTable_IsInterpolated(int token, int[] context, double expected)
    {
        NgramTable table = NgramTable.Open(_small);
        Assert.AreEqual((3, 3), (table.Order, table.VocabularySize));
        Assert.AreEqual(expected, table.Probability(token, context));
    }

    [TestMethod]
    public void Probability_TokenOutsideTheVocabulary_Throws()
    {
        NgramTable table = NgramTable.Open(_small);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => table.Probability(3, []));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => table.Probability(-1, []));
    }

    [TestMethod]
    public void Open_LargestVocabulary_FindsTheLastToken()
    {
        const int V = 1 << 16;
        var unigrams = Enumerable.Range(0, V).Select(token => (new[] { token }, Zero, (byte)0)).ToArray();
        NgramTable table = NgramTable.Open(NgramBytes.Write(V, unigrams, [([V - 1, V - 1], Half, 0)]));
        Assert.AreEqual(0.5, table.Probability(V - 1, [V - 1]));
        Assert.AreEqual(0, table.Probability(V - 2, [V - 1]));
    }

    [TestMethod]
    [DataRow(8, 2u, "version 2")]
    [DataRow(12, 0u, "impossible size")]
    [DataRow(12, 65537u, "impossible size")]
    [DataRow(12, 4u, "not its vocabulary size")]
    [DataRow(16, 0u, "impossible size")]
    [DataRow(16, 5u, "impossible size")]
    [DataRow(16, 2u, "n-grams above its order")]
    [DataRow(24, 1000u, "ends too early")]
    [DataRow(24, uint.MaxValue, "ends too early")]
    [DataRow(32, 1u, "n-grams above its order")]
    [DataRow(44, 1u, "do not span")]
    [DataRow(48, 7u, "do not ascend")]
    [DataRow(56, 7u, "do not span")]
    [DataRow(60, 3u, "out of order or out of the vocabulary")]
    public void Open_DamagedField_IsNamed(int place, uint value, string message)
    {
        byte[] bytes = [.. _small];
        BitConverter.TryWriteBytes(bytes.AsSpan(place), value);
        var thrown = Assert.ThrowsExactly<NgramTableException>(() => NgramTable.Open(bytes));
        Assert.Contains(message, thrown.Message);
    }

    [TestMethod]
    public void Open_OtherBytes_Throws()
    {
        Assert.ThrowsExactly<NgramTableException>(() => NgramTable.Open(default));
        Assert.ThrowsExactly<NgramTableException>(() => NgramTable.Open(new byte[100]));
        Assert.ThrowsExactly<NgramTableException>(() => NgramTable.Open((byte[])[.. _small, 0, 0, 0, 0]));
    }

    [TestMethod]
    public void Open_Truncated_Throws()
    {
        byte[] bytes = NgramBytes.Random(5, 3, 0.5, 1);
        for (int length = 0; length < bytes.Length; length++)
            Assert.ThrowsExactly<NgramTableException>(() => NgramTable.Open(bytes.AsMemory(0, length)));
    }

    /// <summary>A damaged table is refused, or can be used, with all probabilities in a finite range.</summary>
    [TestMethod]
    public void Open_RandomDamage_IsRefusedOrHarmless()
    {
        var random = new SplitMix64(1);
        int opened = 0;
        for (int i = 0; i < 4000; i++)
        {
            byte[] bytes = NgramBytes.Random(5, 1 + i % 4, 0.4, i);
            for (int j = random.Next(1, 4); j > 0; j--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                NgramTable table = NgramTable.Open(bytes);
                opened++;
                Use(table, random);
            }
            catch (NgramTableException)
            {
                // Refused.
            }
        }

        Assert.IsGreaterThan(200, opened, "Damage of quantised codes is not detectable.");
    }

    private static void Use(NgramTable table, IRandomSource random)
    {
        for (int i = 0; i < 20; i++)
        {
            double probability = table.Probability(random.Next(5), random.NextTokens(random.Next(5), 5));
            Assert.IsTrue(probability is >= 0 and <= 4, $"{probability}");
        }

        if (table.VocabularySize != 5)
            return;
        var order = Order.Random(random.NextGiven(12, 0.3), random);
        var sampler = new FusedSampler(order, random.NextTokens(12, 5), new(), 5, new FixedDraftPolicy(DraftSource.Product, 3, 1), table);
        Decoding.Run(sampler, new RandomModel(5, 12, 3, 1), random);
        Assert.IsTrue(sampler.IsDone);
    }
}
