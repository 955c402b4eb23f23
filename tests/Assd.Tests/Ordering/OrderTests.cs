using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Ordering;

[TestClass]
public sealed class OrderTests
{
    private static readonly bool[] _given = [false, true, false, false, true];

    [TestMethod]
    public void LeftToRight_SomeGiven_PutsThemFirstWithBothAscending()
    {
        var order = Order.LeftToRight(_given);
        SpanAssert.AreEqual([1, 4, 0, 2, 3], order.Positions);
        SpanAssert.AreEqual([2, 0, 3, 4, 1], order.Ranks);
        Assert.AreEqual((5, 2, 3), (order.Length, order.GivenCount, order.TargetCount));
    }

    [TestMethod]
    public void RightToLeft_SomeGiven_ReversesTheTargetsOnly() =>
        SpanAssert.AreEqual([1, 4, 3, 2, 0], Order.RightToLeft(_given).Positions);

    [TestMethod]
    public void Random_SomeGiven_KeepsTheGivenFirstAndPermutesTheTargets()
    {
        var order = Order.Random(_given, new SplitMix64(1));
        SpanAssert.AreEqual([1, 4], order.Positions[..2]);
        int[] targets = order.Positions[2..].ToArray();
        Array.Sort(targets);
        SpanAssert.AreEqual<int>([0, 2, 3], targets);
    }

    [TestMethod]
    public void Random_ManyTimes_DrawsEachPermutationEquallyOften()
    {
        var random = new SplitMix64(2);
        var counts = new int[256];
        for (int i = 0; i < 20_000; i++)
            counts[Outcome.Index(Order.Random(new bool[4], random).Positions, 4)]++;
        int[] seen = [.. counts.Where(count => count > 0)];
        Assert.HasCount(24, seen);
        GoodnessOfFitResult result = GoodnessOfFit.Compare(seen, [.. Enumerable.Repeat(1 / 24.0, 24)]);
        Assert.IsGreaterThan(1e-4, result.PValue);
    }

    [TestMethod]
    public void Random_LargestRandomNumber_StaysInRange()
    {
        double largest = Math.BitDecrement(1.0);
        var order = Order.Random(new bool[3], new ScriptedRandom(largest, largest));
        SpanAssert.AreEqual([0, 1, 2], order.Positions);
    }

    [TestMethod]
    public void LeftToRight_AllGiven_HasNoTarget()
    {
        var order = Order.LeftToRight([true, true]);
        Assert.AreEqual((2, 0), (order.GivenCount, order.TargetCount));
    }

    [TestMethod]
    public void LeftToRight_NoneGiven_IsTheIdentity() =>
        SpanAssert.AreEqual([0, 1, 2], Order.LeftToRight(new bool[3]).Positions);

    [TestMethod]
    public void FromPositions_AnyPermutation_IsKept()
    {
        int[] positions = [2, 0, 1];
        var order = Order.FromPositions(positions, 1);
        positions[0] = 9;
        SpanAssert.AreEqual([2, 0, 1], order.Positions);
        SpanAssert.AreEqual([1, 2, 0], order.Ranks);
    }

    [TestMethod]
    public void FromRanks_APermutation_IsTheInverseOfFromPositions()
    {
        var order = Order.FromRanks([1, 2, 0], 1);
        SpanAssert.AreEqual([2, 0, 1], order.Positions);
        SpanAssert.AreEqual([1, 2, 0], order.Ranks);
        Assert.AreEqual(1, order.GivenCount);
    }

    [TestMethod]
    [DataRow(new[] { 0, 0 })]
    [DataRow(new[] { 0, 2 })]
    [DataRow(new[] { -1, 0 })]
    [DataRow(new int[0])]
    public void FromPositions_NotAPermutation_Throws(int[] positions)
    {
        Assert.ThrowsExactly<ArgumentException>(() => Order.FromPositions(positions, 0));
        Assert.ThrowsExactly<ArgumentException>(() => Order.FromRanks(positions, 0));
    }

    [TestMethod]
    [DataRow(-1)]
    [DataRow(3)]
    public void FromPositions_GivenCountOutOfRange_Throws(int givenCount) =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Order.FromPositions([0, 1], givenCount));

    [TestMethod]
    public void Factories_NoPosition_Throws()
    {
        Assert.ThrowsExactly<ArgumentException>(() => Order.LeftToRight([]));
        Assert.ThrowsExactly<ArgumentException>(() => Order.RightToLeft([]));
        Assert.ThrowsExactly<ArgumentException>(() => Order.Random([], new SplitMix64(1)));
    }
}
