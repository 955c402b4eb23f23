using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Distributions;

[TestClass]
public sealed class SamplingOptionsTests
{
    private const int VocabularySize = 4;

    public static IEnumerable<SamplingOptions> Good =>
    [
        new(),
        new() { Temperature = double.Epsilon, TopK = 1, TopP = double.Epsilon, DraftLength = 1 },
        new() { Temperature = double.MaxValue, TopK = int.MaxValue, TopP = 1, DraftLength = int.MaxValue },
        new() { BannedTokens = [0, 3, 3, 1, 0] },
        new() { Temperature = 0 },
        new() { Temperature = -0.0 },
        new() { BannedTokens = [3], BannedTokensAt = new Dictionary<int, TokenSet> { [7] = new([0, 1, 3]), [-1] = new([]) } },
    ];

    public static IEnumerable<(string Name, SamplingOptions Options)> Bad =>
    [
        ("Temperature", new() { Temperature = -1 }),
        ("Temperature", new() { Temperature = double.NaN }),
        ("Temperature", new() { Temperature = double.PositiveInfinity }),
        ("TopK", new() { TopK = 0 }),
        ("TopK", new() { TopK = -1 }),
        ("TopP", new() { TopP = 0 }),
        ("TopP", new() { TopP = 1.0001 }),
        ("TopP", new() { TopP = double.NaN }),
        ("DraftLength", new() { DraftLength = 0 }),
        ("LogitBias", new() { LogitBias = new Dictionary<int, double> { [4] = 1 } }),
        ("BannedTokens", new() { BannedTokens = [4] }),
        ("BannedTokens", new() { BannedTokens = [-1] }),
        ("BannedTokens", new() { BannedTokens = [0, 1, 2, 3] }),
        ("BannedTokensAt", new() { BannedTokensAt = new Dictionary<int, TokenSet> { [0] = new([4]) } }),
        ("BannedTokensAt", new() { BannedTokensAt = new Dictionary<int, TokenSet> { [0] = new([0, 1, 2, 3]) } }),
        ("BannedTokensAt", new() { BannedTokens = [3, 0, 3], BannedTokensAt = new Dictionary<int, TokenSet> { [1] = new([1]), [0] = new([0, 1, 2]) } }),
    ];

    [TestMethod]
    [DynamicData(nameof(Good))]
    public void Validate_InRange_Passes(SamplingOptions options) => options.Validate(VocabularySize);

    [TestMethod]
    [DynamicData(nameof(Bad))]
    public void Validate_OutOfRange_NamesTheOption(string name, SamplingOptions options)
    {
        var thrown = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => options.Validate(VocabularySize));
        Assert.AreEqual(name, thrown.ParamName);
    }

    [TestMethod]
    public void Validate_TokenOutOfRange_NamesTheRange()
    {
        SamplingOptions[] withToken4 = [.. Bad.Select(bad => bad.Options).Where(
            options => options.LogitBias.ContainsKey(4) || options.BannedTokens.Contains(4) || options.BannedTokensAt.Values.Any(set => set.Contains(4)))];
        Assert.HasCount(3, withToken4);
        foreach (SamplingOptions options in withToken4)
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => options.Validate(VocabularySize)).Message, "within 0..3.");
    }

    [TestMethod]
    [DynamicData(nameof(Bad))]
    public void SamplerConstructors_OptionsOutOfRange_Throw(string name, SamplingOptions options)
    {
        var order = Order.LeftToRight([true, false]);
        foreach (SamplerKind kind in Enum.GetValues<SamplerKind>())
        {
            var thrown = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
                () => Decoding.Create(kind, order, [0, 0], options, VocabularySize));
            Assert.AreEqual(name, thrown.ParamName);
        }
    }
}
