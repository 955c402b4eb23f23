using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support.Models;
using AsArm.Inference.Gaps;

namespace AsArm.Inference.Tests.Gaps;

/// <summary>The search for the most probable fillings against all fillings of a joint table.</summary>
[TestClass]
public sealed class BeamSearchTests
{
    private const int Vocabulary = 4, Length = 6, Gap = 3;
    private static readonly int[] s_tokens = [2, 0, 0, 0, 0, 3];

    /// <summary>The gap is at 1 to 3; position 4 stays unknown, and 0 and 5 are given.</summary>
    private static readonly Order s_order = Order.FromPositions([0, 5, 1, 2, 3, 4], 2);

    private static TableModel Model(int seed) => TableModel.Random(Vocabulary, Length, sharpness: 1.5, seed);

    /// <summary>All fillings with their exact probabilities, summed up from the table, the most probable first.</summary>
    private static List<(string Tokens, double Probability)> Enumerate(TableModel model)
    {
        var all = new List<(string, double)>();
        for (int index = 0; index < 64; index++)
        {
            int[] filling = [index / 16, index / 4 % 4, index % 4];
            int[] tokens = [s_tokens[0], .. filling, 0, s_tokens[5]];
            double log = 0;
            for (int rank = 2; rank < 2 + Gap; rank++)
            {
                var state = new SequenceState(s_order, tokens, Vocabulary, 1);
                for (int known = 2; known < rank; known++)
                    state.SetToken(known, tokens[s_order.Positions[known]]);
                state.BeginForwardPass(rank);
                state.AddQuery(new Conditional(rank, rank));
                model.Evaluate([state], default);
                double total = 0;
                foreach (double logit in state.Row(0))
                    total += Math.Exp(logit);
                log += state.Row(0)[tokens[s_order.Positions[rank]]] - Math.Log(total);
            }

            all.Add((string.Join(',', filling), Math.Exp(log)));
        }

        Assert.AreEqual(1, all.Sum(one => one.Item2), 1e-6);
        return [.. all.OrderByDescending(one => one.Item2)];
    }

    private static BeamSearch Search(TableModel model, int beams, SamplingOptions? options = null, double floor = double.NegativeInfinity, int size = 3)
    {
        var search = new BeamSearch(s_order, s_tokens, options ?? new(), Vocabulary, Gap, beams) { Floor = floor };
        foreach (IReadOnlyList<SequenceTask> step in search.Steps(size))
        {
            Assert.IsLessThanOrEqualTo(Math.Min(beams, size), step.Count);
            foreach (SequenceTask task in step)
            {
                (Sampler sampler, AsArm.Assd.Randomness.IRandomSource random) = task.Start();
                using var loop = new SamplingLoop(model, [sampler], [random]);
                loop.Run(CancellationToken.None);
                task.End(sampler);
            }
        }

        return search;
    }

    /// <summary>The first difference of a search from the enumerated fillings; 0 if it agrees in fillings and probabilities.</summary>
    private static double Difference(List<(string Tokens, double Probability)> exact, BeamSearch search) => search.Beams.Zip(exact, (beam, one) =>
        string.Join(',', beam.Tokens) == one.Tokens ? Math.Abs(Math.Exp(beam.LogProbability) - one.Probability) : 1).Max();

    [TestMethod]
    public void Steps_WithAllBeams_GiveEveryFillingByItsProbability()
    {
        for (int seed = 0; seed < 5; seed++)
        {
            TableModel model = Model(seed);
            BeamSearch search = Search(model, beams: 64);
            Assert.HasCount(64, search.Beams);
            Assert.IsLessThan(1e-6, Difference(Enumerate(model), search));
            Assert.IsTrue(search.IsExact(64) && search.IsExact(int.MaxValue), "Nothing was dropped.");
        }
    }

    /// <summary>With fewer beams the probabilities are exact still, and what is called certain is.</summary>
    [TestMethod]
    public void IsExact_WithFewBeams_IsNeverWrong()
    {
        int certain = 0, missed = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            TableModel model = Model(seed);
            List<(string Tokens, double Probability)> exact = Enumerate(model);
            var byTokens = exact.ToDictionary(one => one.Tokens, one => one.Probability);
            foreach (int beams in new[] { 1, 2, 4, 10 })
            {
                BeamSearch search = Search(model, beams);
                Assert.HasCount(beams, search.Beams);
                foreach (Beam beam in search.Beams)
                    Assert.AreEqual(byTokens[string.Join(',', beam.Tokens)], Math.Exp(beam.LogProbability), 1e-6);
                for (int count = 1; count <= beams; count++)
                {
                    bool isRight = search.Beams.Take(count).Select(beam => string.Join(',', beam.Tokens)).SequenceEqual(exact.Take(count).Select(one => one.Tokens));
                    certain += search.IsExact(count) ? 1 : 0;
                    missed += isRight ? 0 : 1;
                    Assert.IsTrue(isRight || !search.IsExact(count), $"{seed}, {beams} beams, the first {count}: called certain, and wrong.");
                }
            }
        }

        Assert.IsGreaterThan(20, certain, "Some are certain.");
        Assert.IsGreaterThan(20, missed, "Some are missed, so that the test could fail.");
    }

    /// <summary>What is below the floor is left out, and nothing else changes.</summary>
    [TestMethod]
    public void Floor_OfASearch_LeavesOutTheLessProbable()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            TableModel model = Model(seed);
            List<(string Tokens, double Probability)> exact = Enumerate(model);
            double floor = Math.Log(exact[10].Probability) - 1e-6;
            BeamSearch search = Search(model, beams: 64, floor: floor);
            CollectionAssert.AreEqual(exact.Take(11).Select(one => one.Tokens).ToArray(), search.Beams.Select(beam => string.Join(',', beam.Tokens)).ToArray());
            Assert.IsTrue(double.IsNegativeInfinity(search.LargestDropped), "They do not count as dropped.");
        }
    }

    /// <summary>Among equals those of the first beams and of the lowest ids are kept, in whatever steps; what was dropped in any step counts.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    [DataRow(64)]
    public void Steps_WithTies_KeepTheFirst(int size)
    {
        TableModel flat = TableModel.Random(Vocabulary, Length, sharpness: 0, 1);
        BeamSearch search = Search(flat, beams: 6, size: size);
        CollectionAssert.AreEqual(new[] { "0,0,0", "0,0,1", "0,0,2", "0,0,3", "0,1,0", "0,1,1" }, search.Beams.Select(beam => string.Join(',', beam.Tokens)).ToArray());
        Assert.AreEqual(Math.Log(1.0 / 16), search.LargestDropped, 1e-6, "That of the second step: the last one alone has dropped less.");
        Assert.IsFalse(search.IsExact(1));
    }

    /// <summary>Control: where each distribution is normalised over a part of the tokens, probabilities and order are others.</summary>
    [TestMethod]
    public void Steps_WithABrokenNormalisation_AreNoticed()
    {
        for (int seed = 0; seed < 5; seed++)
        {
            TableModel model = Model(seed);
            Assert.IsGreaterThan(0.01, Difference(Enumerate(model), Search(model, beams: 64, new SamplingOptions { TopK = 3 })));
        }
    }

    [TestMethod]
    public void Beams_OfASearch_HaveTheLogProbabilitiesOfTheirTokens()
    {
        TableModel model = Model(7);
        foreach (Beam beam in Search(model, beams: 5).Beams)
        {
            int[] tokens = [s_tokens[0], .. beam.Tokens, 0, s_tokens[5]];
            var sampler = new TeacherForcedSampler(s_order, tokens, new(), Vocabulary) { EndRank = 2 + Gap };
            using var loop = new SamplingLoop(model, [sampler], [new SplitMix64(0)]);
            loop.Run(CancellationToken.None);
            for (int i = 0; i < Gap; i++)
                Assert.AreEqual(sampler.LogProbabilities[i], beam.LogProbabilities[i], 1e-5);
        }
    }
}
