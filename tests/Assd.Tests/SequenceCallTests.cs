namespace AsArm.Assd.Tests;

[TestClass]
public sealed class SequenceCallTests
{
    private const int VocabularySize = 4;

    // Positions 1 and 3 are given; the targets are 0, 2, 4, of ranks 2, 3, 4.
    private static SequenceCall NewCall(int room = 3) =>
        new(Order.LeftToRight([false, true, false, true, false]), [-1, 1, -1, 3, 99], VocabularySize, room);

    [TestMethod]
    public void Constructor_TargetTokensOutsideTheVocabulary_AreIgnored()
    {
        SequenceCall call = NewCall();
        Assert.AreEqual((2, 0), (call.KnownCount, call.Conditionals.Length));
    }

    [TestMethod]
    public void Constructor_WrongTokens_Throws()
    {
        var order = Order.LeftToRight([true, false]);
        Assert.ThrowsExactly<ArgumentException>(() => new SequenceCall(order, [1], VocabularySize, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SequenceCall(order, [4, 0], VocabularySize, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SequenceCall(order, [-1, 0], VocabularySize, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SequenceCall(order, [0, 0], 0, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SequenceCall(order, [0, 0], VocabularySize, 0));
    }

    [TestMethod]
    public void Constructor_CallersArray_IsCopied()
    {
        int[] tokens = [1, 0];
        var call = new SequenceCall(Order.LeftToRight([true, false]), tokens, VocabularySize, 1);
        tokens[0] = 2;
        Assert.AreEqual(1, call.Tokens[0]);
    }

    [TestMethod]
    public void Ask_SomeConditionals_GivesEachItsRow()
    {
        SequenceCall call = NewCall();
        call.Begin(2);
        call.Ask(new(2, 2));
        call.Ask(new(4, 2));
        Assert.AreEqual(2 * VocabularySize, call.Logits.Length);
        call.Row(1)[3] = 5;
        Assert.AreEqual(5, call.Logits[VocabularySize + 3]);
        SpanAssert.AreEqual([new(2, 2), new(4, 2)], call.Conditionals);
    }

    [TestMethod]
    [DataRow(5, 2, DisplayName = "rank past the end")]
    [DataRow(2, 1, DisplayName = "horizon within the given")]
    [DataRow(2, 3, DisplayName = "horizon above the rank")]
    [DataRow(4, 4, DisplayName = "horizon above what is known")]
    [DataRow(1, 1, DisplayName = "rank of a given token")]
    [DataRow(-1, -1, DisplayName = "negative")]
    public void Ask_OutOfRange_Throws(int rank, int horizon)
    {
        SequenceCall call = NewCall();
        call.Begin(3);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => call.Ask(new(rank, horizon)));
    }

    [TestMethod]
    public void Ask_NoRoom_Throws()
    {
        SequenceCall call = NewCall(room: 1);
        call.Begin(2);
        call.Ask(new(2, 2));
        Assert.ThrowsExactly<InvalidOperationException>(() => call.Ask(new(3, 2)));
    }

    [TestMethod]
    public void Begin_AfterQuestions_ForgetsThem()
    {
        SequenceCall call = NewCall(room: 1);
        call.Begin(2);
        call.Ask(new(2, 2));
        call.Begin(2);
        Assert.AreEqual(0, call.Conditionals.Length);
        call.Ask(new(3, 2));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(6)]
    public void Begin_KnownCountOutOfRange_Throws(int knownCount) =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => NewCall().Begin(knownCount));

    [TestMethod]
    [DataRow(1, 0, DisplayName = "given")]
    [DataRow(5, 0, DisplayName = "past the end")]
    [DataRow(2, 4, DisplayName = "no token")]
    [DataRow(2, -1, DisplayName = "negative token")]
    public void SetToken_OutOfRange_Throws(int rank, int token) =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => NewCall().SetToken(rank, token));

    [TestMethod]
    public void SetToken_OfATarget_StandsAtItsPosition()
    {
        SequenceCall call = NewCall();
        call.SetToken(2, 1);
        call.SetToken(3, 2);
        call.SetToken(2, 3);
        SpanAssert.AreEqual([3, 1, 2, 3], call.Tokens[..4]);
    }
}
