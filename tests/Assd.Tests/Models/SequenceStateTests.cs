using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Models;

[TestClass]
public sealed class SequenceStateTests
{
    private const int VocabularySize = 4;

    // Positions 1 and 3 are given; the targets are 0, 2, 4, of ranks 2, 3, 4.
    private static SequenceState NewState(int maxQueries = 3) =>
        new(Order.LeftToRight([false, true, false, true, false]), [-1, 1, -1, 3, 99], VocabularySize, maxQueries);

    [TestMethod]
    public void Constructor_TargetTokensOutsideTheVocabulary_AreIgnored()
    {
        SequenceState state = NewState();
        Assert.AreEqual((2, 0), (state.KnownCount, state.Conditionals.Length));
    }

    [TestMethod]
    public void Constructor_WrongTokens_Throws()
    {
        var order = Order.LeftToRight([true, false]);
        Assert.ThrowsExactly<ArgumentException>(() => new SequenceState(order, [1], VocabularySize, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SequenceState(order, [4, 0], VocabularySize, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SequenceState(order, [-1, 0], VocabularySize, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SequenceState(order, [0, 0], 0, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SequenceState(order, [0, 0], VocabularySize, 0));
    }

    [TestMethod]
    public void Constructor_CallersArray_IsCopied()
    {
        int[] tokens = [1, 0];
        var state = new SequenceState(Order.LeftToRight([true, false]), tokens, VocabularySize, 1);
        tokens[0] = 2;
        Assert.AreEqual(1, state.Tokens[0]);
    }

    [TestMethod]
    public void AddQuery_SeveralQueries_GivesEachARow()
    {
        SequenceState state = NewState();
        state.BeginForwardPass(2);
        state.AddQuery(new(2, 2));
        state.AddQuery(new(4, 2));
        Assert.AreEqual(2 * VocabularySize, state.Logits.Length);
        state.Row(1)[3] = 5;
        Assert.AreEqual(5, state.Logits[VocabularySize + 3]);
        SpanAssert.AreEqual([new(2, 2), new(4, 2)], state.Conditionals);
    }

    [TestMethod]
    [DataRow(5, 2, DisplayName = "rank past the end")]
    [DataRow(2, 1, DisplayName = "horizon below the given count")]
    [DataRow(2, 3, DisplayName = "horizon above the rank")]
    [DataRow(4, 4, DisplayName = "horizon above the known count")]
    [DataRow(1, 1, DisplayName = "rank of a given token")]
    [DataRow(-1, -1, DisplayName = "negative")]
    public void AddQuery_OutOfRange_Throws(int rank, int horizon)
    {
        SequenceState state = NewState();
        state.BeginForwardPass(3);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => state.AddQuery(new(rank, horizon)));
    }

    [TestMethod]
    public void AddQuery_MoreThanTheMaximum_Throws()
    {
        SequenceState state = NewState(maxQueries: 1);
        state.BeginForwardPass(2);
        state.AddQuery(new(2, 2));
        Assert.ThrowsExactly<InvalidOperationException>(() => state.AddQuery(new(3, 2)));
    }

    [TestMethod]
    public void BeginForwardPass_AfterQueries_RemovesThem()
    {
        SequenceState state = NewState(maxQueries: 1);
        state.BeginForwardPass(2);
        state.AddQuery(new(2, 2));
        state.BeginForwardPass(2);
        Assert.AreEqual(0, state.Conditionals.Length);
        state.AddQuery(new(3, 2));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(6)]
    public void BeginForwardPass_KnownCountOutOfRange_Throws(int knownCount) =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => NewState().BeginForwardPass(knownCount));

    [TestMethod]
    [DataRow(1, 0, DisplayName = "given")]
    [DataRow(5, 0, DisplayName = "past the end")]
    [DataRow(2, 4, DisplayName = "not a token")]
    [DataRow(2, -1, DisplayName = "negative token")]
    public void SetToken_OutOfRange_Throws(int rank, int token) =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => NewState().SetToken(rank, token));

    [TestMethod]
    public void SetToken_OfATarget_SetsTheTokenOfItsPosition()
    {
        SequenceState state = NewState();
        state.SetToken(2, 1);
        state.SetToken(3, 2);
        state.SetToken(2, 3);
        SpanAssert.AreEqual([3, 1, 2, 3], state.Tokens[..4]);
    }
}
