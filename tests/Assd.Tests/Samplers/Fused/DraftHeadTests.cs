using AsArm.Assd.DraftHeads;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers.Fused;

/// <summary>Drafts of a draft head for a large vocabulary, and what is refused. Small ones: <see cref="DraftFormulaTests" />.</summary>
[TestClass]
public sealed class DraftHeadTests
{
    private const int V = 5;
    private const int Draws = 1000;

    /// <summary>There is a head for a row only where it knows more than the row: the left neighbour.</summary>
    [TestMethod]
    [DataRow(new[] { 0, 1, 2, 3, 4 }, 1, 2, true, DisplayName = "The left neighbour was committed since")]
    [DataRow(new[] { 0, 1, 2, 3, 4 }, 1, 3, true, DisplayName = "It will be known by then")]
    [DataRow(new[] { 0, 4, 3, 2, 1 }, 1, 2, false, DisplayName = "The right neighbour was committed since, the left one is not known")]
    [DataRow(new[] { 0, 2, 1, 3, 4 }, 2, 3, false, DisplayName = "The row has seen it")]
    public void HasHead_OfAStoredRow_IsWhetherTheLeftNeighbourIsNew(int[] positions, int given, int rank, bool expected)
    {
        bool? found = null;
        var policy = new ScriptedPolicy
        {
            MaxDraftQueries = 1,
            Queries = view => view.Committed == given ? [new(rank, given)] : [],
            Source = view =>
            {
                if (view.Committed > given)
                    found = view.Target(rank) is { NetworkNeighbours: not null } target ? target.HasHead : null;
                return DraftSource.None;
            },
        };
        var sampler = new FusedSampler(Order.FromPositions(positions, given), new int[5], new(), V, policy, head: RandomHead.Create(V, RowModel.NumbersOfAState));
        new SamplingLoop(TableModel.Random(V, 5, 1, 1), [sampler], [new ScriptedRandom(0.5)]).Step(default);
        sampler.Prepare(new ScriptedRandom());
        Assert.AreEqual(expected, found);
    }

    /// <summary>Most tokens are not on the shortlist, and share a factor; the likely ones are all over the vocabulary, at its ends too.</summary>
    [TestMethod]
    public void Draft_OfALargeVocabulary_HasTheProbabilitiesOfTheFormula()
    {
        const int Large = 1500;
        int[] likely = [0, 15, 16, 63, 64, 700, Large - 1];
        double[] row = [.. Enumerable.Range(0, Large).Select(token => likely.Contains(token) ? 0.1 : 0.3 / (Large - likely.Length))];
        var order = Order.LeftToRight([true, false, false, false]);
        var model = new ScriptedModel(Large, order.Length, _ => row);
        DraftHeadWeights weights = RandomHead.Weights(Large, model.StateSize);
        var drawn = new double[Large];
        int first = 0;
        for (int i = 0; i < Draws; i++)
        {
            FusedSampler sampler = AfterOneStep(order, [2, 0, 0, 0], model, weights);
            first = sampler.Tokens[1];
            sampler.Prepare(new ScriptedRandom((i + 0.5) / Draws));
            drawn[sampler.Tokens[2]] += 1.0 / Draws;
        }

        var sequence = new SequenceState(order, [2, 0, 0, 0], Large, 1, model.StateSize);
        sequence.BeginForwardPass(1);
        sequence.AddQuery(new(2, 1));
        model.Evaluate([sequence], default);
        double[] expected = ReferenceHead.Draft(weights, row, sequence.States.ToArray(), [first, 2, -1]);
        foreach (int token in likely)
            Assert.AreEqual(expected[token], drawn[token], 2.0 / Draws, $"Token {token}.");
        Assert.AreEqual(1 - likely.Sum(token => expected[token]), 1 - likely.Sum(token => drawn[token]), 10.0 / Draws);
    }

    [TestMethod]
    public void Constructor_HeadOfAnotherVocabulary_Throws() => Assert.ThrowsExactly<ArgumentException>(() => new FusedSampler(
        Order.LeftToRight([true, false]), [0, 0], new(), V, new FixedDraftPolicy(DraftSource.Head, 1), head: RandomHead.Create(V + 1, 3)));

    [TestMethod]
    public void Constructor_WeightsThatDoNotFit_Throws()
    {
        DraftHeadWeights weights = RandomHead.Weights(V, 3);
        _ = new DraftHead(weights);
        foreach (DraftHeadWeights wrong in (DraftHeadWeights[])
        [
            weights with { Hidden = weights.Hidden[1..] }, weights with { Hidden = [] }, weights with { MissingTokens = [] },
            weights with { HiddenBias = [] }, weights with { Output = weights.Output[1..] }, weights with { OutputBias = [] }, weights with { InputScales = weights.InputScales[1..] },
            weights with { InputEmbedding = weights.InputEmbedding[1..] }, weights with { OutputEmbedding = weights.OutputEmbedding[1..] }, weights with { OutputScales = [] },
            weights with { NgramExponent = float.NaN }, weights with { OutputBias = [.. weights.OutputBias[1..], float.PositiveInfinity] },
        ])
        {
            Assert.ThrowsExactly<ArgumentException>(() => new DraftHead(wrong));
        }
    }

    /// <summary>A sampler that has committed the target of rank 1, and kept a row of rank 2.</summary>
    private static FusedSampler AfterOneStep(Order order, int[] tokens, RowModel model, DraftHeadWeights weights)
    {
        var policy = new ScriptedPolicy
        {
            MaxDraftQueries = 1,
            Queries = view => view.Committed == 1 ? [new(2, 1)] : [],
            Source = view => view.Drafted == 0 && view.Target(view.Committed).HasHead ? DraftSource.Head : DraftSource.None,
        };
        var sampler = new FusedSampler(order, tokens, new(), model.VocabularySize, policy, head: new DraftHead(weights));
        new SamplingLoop(model, [sampler], [new ScriptedRandom(0.95)]).Step(default);
        return sampler;
    }

    /// <summary>Control of the loop: a model without states is refused when the sequence is added.</summary>
    [TestMethod]
    public void Add_ModelWithoutStates_Throws()
    {
        var order = Order.LeftToRight([true, false, false]);
        var sampler = new FusedSampler(order, [0, 0, 0], new(), V, new FixedDraftPolicy(DraftSource.Head, 1, 1), head: RandomHead.Create(V, RowModel.NumbersOfAState + 1));
        Assert.ThrowsExactly<ArgumentException>(() => new SamplingLoop(TableModel.Random(V, order.Length, 1, 1), [sampler], [new ScriptedRandom()]));
        var greedy = new FusedSampler(order, [0, 0, 0], new() { Temperature = 0 }, V, new FixedDraftPolicy(DraftSource.Head, 1, 1), head: RandomHead.Create(V, RowModel.NumbersOfAState + 1));
        Assert.AreEqual(0, greedy.State.StateSize);
    }
}
