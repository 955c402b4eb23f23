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
    private const int Draws = 1000;

    private static readonly NgramTable _table = NgramTable.Open(NgramBytes.Random(V, 2, 1, 6));
    private static readonly TableModel _model = TableModel.Random(V, 5, 1.5, 4);
    private static readonly DraftHeadWeights _weights = RandomHead.Weights(V, RowModel.NumbersOfAState);

    /// <summary>The position of each rank, given tokens first. The first target is committed, then one is drafted for the second.</summary>
    private static readonly Dictionary<string, (int[] Positions, int Given)> _layouts = new()
    {
        ["from left to right"] = ([0, 1, 2, 3, 4], 1),
        ["the first two tokens of the text"] = ([3, 0, 1, 2, 4], 1),
        ["on both sides of a given token"] = ([0, 2, 1, 3, 4], 2),
    };

    public static IEnumerable<(DraftSource Source, double Temperature, bool HasTable, string Layout)> Cases =>
        from source in (DraftSource[])[DraftSource.Network, DraftSource.Product, DraftSource.Head]
        from temperature in (double[])[1, 0.5]
        from hasTable in (bool[])[true, false]
        from layout in _layouts.Keys
        where (hasTable || temperature != 1) && (source != DraftSource.Head || layout != "on both sides of a given token") // the row has seen its left neighbour
        select (source, temperature, hasTable, layout);

    /// <summary>A row of a draft query that has seen the given tokens only.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Draft_OfARowOfADraftQuery_HasTheProbabilitiesOfTheFormula(DraftSource source, double temperature, bool hasTable, string layout)
    {
        var task = new Task(source, temperature, hasTable, layout);
        int committed = task.AfterOneStep().Tokens[task.First];
        AssertEqual(task.Formula(task.Query(task.Given), committed, -1), Drawn(draw =>
        {
            FusedSampler sampler = task.AfterOneStep();
            sampler.Prepare(new ScriptedRandom(draw));
            Assert.AreEqual(1, sampler.Counts(source).Drafted);
            return sampler.Tokens[task.Second];
        }));
    }

    /// <summary>A verification row that has seen a rejected draft token; as its left neighbour, it says what the formula knows to take back.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Draft_OfARowBehindARejection_HasTheProbabilitiesOfTheFormula(DraftSource source, double temperature, bool hasTable, string layout)
    {
        foreach (VerificationMethod verification in Enum.GetValues<VerificationMethod>())
        {
            var task = new Task(source, temperature, hasTable, layout) { Drafts = 1, Verification = verification };
            (_, int committed, int rejected) = task.AfterARejection();
            Assert.AreNotEqual(rejected, committed);
            bool isLeft = task.First == task.Second - 1;
            AssertEqual(task.Formula(task.Query(task.Given + 1, rejected), committed, isLeft ? rejected : -1), Drawn(draw =>
            {
                FusedSampler sampler = task.AfterARejection().Sampler;
                sampler.Prepare(new ScriptedRandom(draw));
                Assert.AreEqual(1, sampler.Counts(source).Drafted);
                return sampler.Tokens[task.Second];
            }));
        }
    }

    /// <summary>What replaces a rejected draft token has the distribution max(q - p~, 0).</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Replacement_OfARejectedDraft_HasTheResidualDistribution(DraftSource source, double temperature, bool hasTable, string layout)
    {
        var task = new Task(source, temperature, hasTable, layout);
        int committed = task.AfterOneStep().Tokens[task.First];
        double[] draft = task.Formula(task.Query(task.Given), committed, -1);
        double[] oracle = task.Query(task.Given + 1, committed).Row;
        int rejected = Enumerable.Range(0, V).MaxBy(token => draft[token] - oracle[token]);
        double uniform = draft[..rejected].Sum() + (draft[rejected] / 2);
        double[] residual = [.. oracle.Zip(draft, (target, drafted) => Math.Max(target - drafted, 0))];
        AssertEqual([.. residual.Select(weight => weight / residual.Sum())], Drawn(draw =>
        {
            FusedSampler sampler = task.AfterOneStep();
            new SamplingLoop(_model, [sampler], [new ScriptedRandom(uniform, 0.99999999, draw)]).Step(default);
            Assert.AreEqual((task.Given + 2, 0), (sampler.Committed, sampler.Statistics.Accepted));
            return sampler.Tokens[task.Second];
        }));
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
            var sampler = new FusedSampler(Order.LeftToRight([true, false, false, false, false]), new int[5], new(), 3, Task.NewPolicy(DraftSource.Product, 1, 0), table);
            new SamplingLoop(model, [sampler], [new ScriptedRandom(0.9)]).Step(default);
            sampler.Prepare(new ScriptedRandom((i + 0.5) / 400));
            drawn[sampler.Tokens[2]] += 1.0 / 400;
        }

        CollectionAssert.AreEqual(new[] { 0, 0.25, 0.75 }, drawn.Select(probability => Math.Round(probability, 6)).ToArray());
    }

    /// <summary>[V] how often each token is drawn.</summary>
    private static double[] Drawn(Func<double, int> draw)
    {
        var drawn = new double[V];
        for (int i = 0; i < Draws; i++)
            drawn[draw((i + 0.5) / Draws)] += 1.0 / Draws;
        return drawn;
    }

    private static void AssertEqual(double[] expected, double[] drawn)
    {
        for (int token = 0; token < V; token++)
            Assert.AreEqual(expected[token], drawn[token], 2.0 / Draws, $"Token {token} of {string.Join(' ', expected)}.");
    }

    private sealed class Task(DraftSource source, double temperature, bool hasTable, string layout)
    {
        private readonly int[] _tokens = [2, 0, 3, 2, 0]; // those of given positions count
        private readonly Order _order = Order.FromPositions(_layouts[layout].Positions, _layouts[layout].Given);

        /// <summary>N-gram draft tokens of the first step; without, it has a draft query.</summary>
        public int Drafts { get; init; }

        public VerificationMethod Verification { get; init; } = VerificationMethod.TokenWise;

        public int Given => _order.GivenCount;

        /// <summary>The position of the first target.</summary>
        public int First => _order.Positions[Given];

        /// <summary>The position of the target that is drafted.</summary>
        public int Second => _order.Positions[Given + 1];

        public static ScriptedPolicy NewPolicy(DraftSource source, int given, int drafts) => new()
        {
            MaxDraftQueries = 1,
            Queries = view => view.Committed == given && drafts == 0 ? [new(given + 1, given)] : [],
            Source = view => view.Committed == given ? (view.Drafted < drafts ? DraftSource.Ngram : DraftSource.None)
                : view.Drafted == 0 ? source : DraftSource.None,
        };

        public FusedSampler AfterOneStep()
        {
            FusedSampler sampler = NewSampler();
            new SamplingLoop(_model, [sampler], [new ScriptedRandom(0.95)]).Step(default);
            return sampler;
        }

        public (FusedSampler Sampler, int Committed, int Rejected) AfterARejection()
        {
            FusedSampler sampler = NewSampler();
            sampler.Prepare(new ScriptedRandom(layout == "the first two tokens of the text" ? 0.9 : 0.5)); // a token that the model finds less probable
            int rejected = sampler.Tokens[First];
            new SamplingLoop(_model, [sampler], [new ScriptedRandom(0.99999999, 0.2)]).Step(default);
            Assert.AreEqual((Given + 1, 0), (sampler.Committed, sampler.Statistics.Accepted));
            return (sampler, sampler.Tokens[First], rejected);
        }

        /// <summary>The row and the state of the query for the second target, which sees the given tokens, and the first target if the horizon is behind it.</summary>
        public (double[] Row, float[] State) Query(int horizon, int first = 0)
        {
            var sequence = new SequenceState(_order, _tokens, V, 1, RowModel.NumbersOfAState);
            if (horizon > Given)
                sequence.SetToken(Given, first);
            sequence.BeginForwardPass(horizon);
            sequence.AddQuery(new(Given + 1, horizon));
            _model.Evaluate([sequence], default);
            double[] weights = [.. sequence.Row(0).ToArray().Select(logit => Math.Exp(logit / temperature))];
            return ([.. weights.Select(weight => weight / weights.Sum())], sequence.States.ToArray());
        }

        /// <summary>The formulas of the product and of the head, in float64.</summary>
        public double[] Formula((double[] Row, float[] State) query, int committed, int rejected)
        {
            int left = At(Second - 1, committed);
            double Power(double value) => Math.Pow(value, 1 / temperature);
            double Odds(int token, int context) => Power(_table.Probability(token, [context]) / _table.Probability(token, []));
            IEnumerable<int> tokens = Enumerable.Range(0, V);
            if (source == DraftSource.Head)
                return ReferenceHead.Draft(_weights, query.Row, query.State, [left, At(Second - 2, committed), rejected], temperature, hasTable ? [.. tokens.Select(token => Odds(token, left))] : null);
            if (source == DraftSource.Network || !hasTable)
                return query.Row;
            double[] weights = [.. tokens.Select(token =>
                Odds(token, left) * Math.Sqrt(query.Row[token] * Power(_table.Probability(token, [])) / (rejected < 0 ? 1 : Odds(token, rejected))))];
            return [.. weights.Select(weight => weight / weights.Sum())];
        }

        private int At(int position, int committed) => position < 0 ? -1 : position == First ? committed : _tokens[position];

        private FusedSampler NewSampler() => new(
            _order, _tokens, new() { Temperature = temperature }, V, NewPolicy(source, Given, Drafts), hasTable ? _table : null, Verification,
            head: source == DraftSource.Head ? new DraftHead(_weights) : null);
    }
}
