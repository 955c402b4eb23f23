using AsArm.Assd.DraftHeads;
using AsArm.Assd.Models;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers.Fused;

/// <summary>
/// The distributions that draft tokens are drawn from, on a grid of random numbers. No output depends on them, but how many drafts are accepted does.
/// </summary>
[TestClass]
public sealed class DraftFormulaTests
{
    private const int V = 5;
    private const int Draws = 3000;

    private static readonly Order _order = Order.LeftToRight([true, false, false, false, false]);
    private static readonly NgramTable _table = NgramTable.Open(NgramBytes.Random(V, 2, 1, 6));
    private static readonly TableModel _model = TableModel.Random(V, 5, 1.5, 4);
    private static readonly DraftHeadWeights _weights = RandomHead.Weights(V, RowModel.NumbersOfAState);

    public static IEnumerable<(DraftSource Source, double Temperature, bool HasTable)> Cases =>
        from source in (DraftSource[])[DraftSource.Network, DraftSource.Product, DraftSource.Head]
        from temperature in (double[])[1, 0.5]
        from hasTable in (bool[])[true, false]
        select (source, temperature, hasTable);

    /// <summary>A row of a draft query that has seen the first token only, for the target after the one that was committed.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Draft_OfARowOfADraftQuery_HasTheProbabilitiesOfTheFormula(DraftSource source, double temperature, bool hasTable)
    {
        var drawn = new double[V];
        int committed = 0;
        for (int i = 0; i < Draws; i++)
        {
            FusedSampler sampler = NewSampler(source, temperature, hasTable, drafts: 0);
            new SamplingLoop(_model, [sampler], [new ScriptedRandom(0.95)]).Step(default);
            committed = sampler.Tokens[1];
            drawn[Draft(sampler, source, i)] += 1.0 / Draws;
        }

        (double[] row, float[] state) = Query(temperature, 1, [2, 0, 0, 0, 0]);
        AssertEqual(Formula(source, row, state, committed, -1, temperature, hasTable), drawn);
    }

    /// <summary>A verification row that has seen a rejected draft token as its left neighbour: it says what the formula knows to take back.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Draft_OfARowBehindARejection_HasTheProbabilitiesOfTheFormula(DraftSource source, double temperature, bool hasTable)
    {
        var drawn = new double[V];
        int rejected = 0, committed = 0;
        for (int i = 0; i < Draws; i++)
        {
            FusedSampler sampler = NewSampler(source, temperature, hasTable, drafts: 1);
            sampler.Prepare(new ScriptedRandom(0.5));
            rejected = sampler.Tokens[1];
            new SamplingLoop(_model, [sampler], [new ScriptedRandom(0.99999999, 0.2)]).Step(default);
            committed = sampler.Tokens[1];
            Assert.AreEqual((2, 0), (sampler.Committed, sampler.Statistics.Accepted));
            drawn[Draft(sampler, source, i)] += 1.0 / Draws;
        }

        Assert.AreNotEqual(rejected, committed);
        (double[] row, float[] state) = Query(temperature, 2, [2, rejected, 0, 0, 0]);
        AssertEqual(Formula(source, row, state, committed, rejected, temperature, hasTable), drawn);
    }

    /// <summary>What replaces a rejected draft token has the distribution max(q - p~, 0), on a grid of random numbers.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Replacement_OfARejectedDraft_HasTheResidualDistribution(DraftSource source, double temperature, bool hasTable)
    {
        FusedSampler AfterOneStep()
        {
            FusedSampler sampler = NewSampler(source, temperature, hasTable, drafts: 0);
            new SamplingLoop(_model, [sampler], [new ScriptedRandom(0.95)]).Step(default);
            return sampler;
        }

        int committed = AfterOneStep().Tokens[1];
        (double[] row, float[] state) = Query(temperature, 1, [2, 0, 0, 0, 0]);
        double[] draft = Formula(source, row, state, committed, -1, temperature, hasTable);
        double[] oracle = Query(temperature, 2, [2, committed, 0, 0, 0]).Row;
        int rejected = Enumerable.Range(0, V).MaxBy(token => draft[token] - oracle[token]);
        double uniform = draft[..rejected].Sum() + (draft[rejected] / 2);
        var drawn = new double[V];
        for (int i = 0; i < Draws; i++)
        {
            FusedSampler sampler = AfterOneStep();
            new SamplingLoop(_model, [sampler], [new ScriptedRandom(uniform, 0.99999999, (i + 0.5) / Draws)]).Step(default);
            Assert.AreEqual((3, 0), (sampler.Committed, sampler.Statistics.Accepted));
            drawn[sampler.Tokens[2]] += 1.0 / Draws;
        }

        double[] residual = [.. oracle.Zip(draft, (target, drafted) => Math.Max(target - drafted, 0))];
        AssertEqual([.. residual.Select(weight => weight / residual.Sum())], drawn);
    }

    /// <summary>Where n-grams exclude all that the row allows, the row alone is the draft.</summary>
    [TestMethod]
    public void Draft_OfAProductWithoutWeight_IsTheRow()
    {
        const byte Never = 255;
        NgramTable table = NgramTable.Open(NgramBytes.Write(
            3, [([0], 8, 8), ([1], Never, 8), ([2], Never, 8)], [([0, 0], 8, 0), ([1, 0], 8, 0), ([2, 0], 8, 0)]));
        var model = new ScriptedModel(3, 5, conditional => conditional.Horizon == 1 ? [0, 0.25, 0.75] : [0.25, 0.25, 0.5]);
        var drawn = new double[3];
        for (int i = 0; i < 400; i++)
        {
            FusedSampler sampler = new(_order, [0, 0, 0, 0, 0], new(), 3, NewPolicy(DraftSource.Product, 0), table);
            new SamplingLoop(model, [sampler], [new ScriptedRandom(0.9)]).Step(default);
            sampler.Prepare(new ScriptedRandom((i + 0.5) / 400));
            drawn[sampler.Tokens[2]] += 1.0 / 400;
        }

        CollectionAssert.AreEqual(new[] { 0, 0.25, 0.75 }, drawn.Select(probability => Math.Round(probability, 6)).ToArray());
    }

    private static ScriptedPolicy NewPolicy(DraftSource source, int drafts) => new()
    {
        MaxDraftQueries = 1,
        Queries = view => view.Committed == 1 && drafts == 0 ? [new(2, 1)] : [],
        Source = view => view.Committed == 1 ? (view.Drafted < drafts ? DraftSource.Ngram : DraftSource.None)
            : view.Drafted == 0 ? source : DraftSource.None,
    };

    private static FusedSampler NewSampler(DraftSource source, double temperature, bool hasTable, int drafts) => new(
        _order, [2, 0, 0, 0, 0], new() { Temperature = temperature }, V, NewPolicy(source, drafts), hasTable ? _table : null, VerificationMethod.TokenWise,
        head: source == DraftSource.Head ? new DraftHead(_weights) : null);

    private static int Draft(FusedSampler sampler, DraftSource source, int draw)
    {
        sampler.Prepare(new ScriptedRandom((draw + 0.5) / Draws));
        Assert.AreEqual(1, sampler.Counts(source).Drafted);
        return sampler.Tokens[2];
    }

    /// <summary>The formulas of the product and of the head, in float64.</summary>
    private static double[] Formula(DraftSource source, double[] row, float[] state, int left, int rejected, double temperature, bool hasTable)
    {
        Assert.AreNotEqual(2, left, "Else the sequence has a bigram of its own.");
        double Power(double value) => Math.Pow(value, 1 / temperature);
        double Odds(int token, int context) => Power(_table.Probability(token, [context]) / _table.Probability(token, []));
        IEnumerable<int> tokens = Enumerable.Range(0, V);
        if (source == DraftSource.Head)
            return ReferenceHead.Draft(_weights, row, state, [left, 2, rejected], temperature, hasTable ? [.. tokens.Select(token => Odds(token, left))] : null);
        if (source == DraftSource.Network || !hasTable)
            return row;
        double[] weights = [.. tokens.Select(token =>
            Odds(token, left) * Math.Sqrt(row[token] * Power(_table.Probability(token, [])) / (rejected < 0 ? 1 : Odds(token, rejected))))];
        return [.. weights.Select(weight => weight / weights.Sum())];
    }

    /// <summary>The row and the state of the query for the target of rank 2 at a horizon.</summary>
    private static (double[] Row, float[] State) Query(double temperature, int horizon, int[] tokens)
    {
        var sequence = new SequenceState(_order, tokens, V, 1, RowModel.NumbersOfAState);
        for (int rank = 1; rank < horizon; rank++)
            sequence.SetToken(rank, tokens[rank]);
        sequence.BeginForwardPass(horizon);
        sequence.AddQuery(new(2, horizon));
        _model.Evaluate([sequence], default);
        double[] weights = [.. sequence.Row(0).ToArray().Select(logit => Math.Exp(logit / temperature))];
        return ([.. weights.Select(weight => weight / weights.Sum())], sequence.States.ToArray());
    }

    private static void AssertEqual(double[] expected, double[] drawn)
    {
        for (int token = 0; token < V; token++)
            Assert.AreEqual(expected[token], drawn[token], 2.0 / Draws, $"Token {token} of {string.Join(' ', expected)}.");
    }
}
