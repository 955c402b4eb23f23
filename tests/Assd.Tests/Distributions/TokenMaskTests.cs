using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Distributions;

/// <summary>A set of tokens, kept as a list or as a vector, against loops over all tokens.</summary>
[TestClass]
public sealed class TokenMaskTests
{
    /// <summary>Vocabulary and number of tokens: below a sixteenth of the vocabulary they are a list, which is copied on the stack up to 256 tokens.</summary>
    public static IEnumerable<(int Vocabulary, int Count)> Sizes =>
        [(1, 0), (1, 1), (7, 3), (64, 0), (64, 3), (64, 4), (64, 5), (64, 64), (1000, 61), (1000, 62), (1000, 63), (8192, 255), (8192, 256), (8192, 257), (8192, 500), (8192, 600)];

    [TestMethod]
    [DynamicData(nameof(Sizes))]
    public void Restrict_Weights_KeepsThoseOfTheTokens(int vocabulary, int count)
    {
        (TokenMask mask, HashSet<int> tokens, float[] row) = New(vocabulary, count);
        float[] weights = [.. row.Select(Math.Abs)], expected = [.. weights.Select((weight, token) => tokens.Contains(token) ? weight : 0)];
        Assert.AreEqual(Sum(expected), mask.Mass(weights), 1e-5 * Sum(expected));
        Assert.AreEqual(Sum(expected), mask.Restrict(weights), 1e-5 * Sum(expected));
        SpanAssert.AreEqual<float>(expected, weights);
    }

    [TestMethod]
    [DynamicData(nameof(Sizes))]
    public void Mask_Logits_KeepsThoseOfTheTokens(int vocabulary, int count)
    {
        (TokenMask mask, HashSet<int> tokens, float[] logits) = New(vocabulary, count);
        float[] expected = [.. logits.Select((logit, token) => tokens.Contains(token) ? logit : float.NegativeInfinity)];
        mask.Mask(logits);
        SpanAssert.AreEqual<float>(expected, logits);
    }

    [TestMethod]
    [DynamicData(nameof(Sizes))]
    public void Mode_Logits_IsTheLargestOfTheTokens(int vocabulary, int count)
    {
        (TokenMask mask, HashSet<int> tokens, float[] logits) = New(vocabulary, count);
        int expected = Enumerable.Range(0, vocabulary).Where(tokens.Contains).OrderByDescending(token => logits[token]).ThenBy(token => token).FirstOrDefault(-1);
        Assert.AreEqual(expected, mask.Mode(logits));
    }

    /// <summary>In whichever order the tokens are listed. Tokens that are impossible are none.</summary>
    [TestMethod]
    [DataRow(64)]
    [DataRow(16)]
    public void Mode_Ties_IsTheLowestToken(int vocabulary)
    {
        var mask = new TokenMask(vocabulary, [7, 3, 5]);
        var logits = new float[vocabulary];
        Assert.AreEqual(3, mask.Mode(logits));
        logits[3] = -1;
        Assert.AreEqual(5, mask.Mode(logits));
        Array.Fill(logits, float.NegativeInfinity, 3, 5);
        Assert.AreEqual(-1, mask.Mode(logits));
        logits[7] = -1;
        Assert.AreEqual(7, mask.Mode(logits));
    }

    /// <summary>4 bytes for each token of a list, or for each of the vocabulary, and some for the object.</summary>
    [TestMethod]
    [DataRow(64, 3, (3 * 4) + 64)]
    [DataRow(64, 4, (64 * 4) + 64)]
    [DataRow(1000, 61, (61 * 4) + 64)]
    [DataRow(1000, 62, (1000 * 4) + 64)]
    [DataRow(7, 0, (7 * 4) + 64)]
    public void Bytes_OfAMask_AreThoseOfItsForm(int vocabulary, int count, int bytes)
    {
        var mask = new TokenMask(vocabulary, [.. Enumerable.Range(0, count)]);
        Assert.AreEqual((count, bytes), (mask.Count, mask.Bytes));
    }

    [TestMethod]
    [DataRow(4, 4)]
    [DataRow(4, -1)]
    [DataRow(1000, 1000)]
    public void Constructor_TokenOutOfRange_Throws(int vocabulary, int token) => StringAssert.Contains(
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TokenMask(vocabulary, [0, token])).Message, $"within 0..{vocabulary - 1}.");

    [TestMethod]
    public void Constructor_NoVocabulary_Throws() => Assert.AreEqual(
        "vocabularySize", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TokenMask(0, [])).ParamName);

    private static (TokenMask Mask, HashSet<int> Tokens, float[] Row) New(int vocabulary, int count)
    {
        var random = new SplitMix64(vocabulary + count);
        int[] tokens = [.. Enumerable.Range(0, vocabulary).OrderBy(_ => random.NextDouble()).Take(count)];
        return (new TokenMask(vocabulary, tokens), [.. tokens], random.NextRow(vocabulary, 3));
    }

    private static double Sum(float[] values) => values.Sum(value => (double)value);
}
