using AsArm.Assd.Distributions;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Distributions;

[TestClass]
public sealed class TokenSetTests
{
    [TestMethod]
    public void Tokens_OfUnorderedDuplicates_AreDistinctAndAscending() => SpanAssert.AreEqual([0, 2, 5], new TokenSet([5, 2, 0, 2, 5]).Tokens);

    [TestMethod]
    [DataRow(-1, false)]
    [DataRow(0, true)]
    [DataRow(1, false)]
    [DataRow(2, true)]
    [DataRow(3, false)]
    [DataRow(int.MinValue, false)]
    [DataRow(int.MaxValue, false)]
    public void Contains_AnyNumber_IsWhetherItIsInTheSet(int token, bool expected) => Assert.AreEqual(expected, new TokenSet([2, 0]).Contains(token));

    [TestMethod]
    public void Contains_InAnEmptySet_IsFalse() => Assert.IsFalse(new TokenSet([]).Contains(0));

    [TestMethod]
    public void Constructor_NegativeToken_Throws()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TokenSet([3, -1]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TokenSet([-1]));
    }
}
