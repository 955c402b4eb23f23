using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// The output distribution of the library's own code, enumerated instead of sampled, see <see cref="RandomTree" />. The models have
/// conditionals that are exact in float32, so that the distribution must equal the joint up to float64 rounding.
/// </summary>
[TestClass]
public sealed class EnumerationTests
{
    private const double Exact = 1e-12;

    public static IEnumerable<string> Cases => EnumerationCases.Names;

    public static IEnumerable<DraftFlaw> ExactVariants => [DraftFlaw.None, DraftFlaw.TokenWiseReuse, DraftFlaw.Block, DraftFlaw.Head];

    public static IEnumerable<DraftFlaw> FlawedVariants => [DraftFlaw.BlockReuse, DraftFlaw.OtherDistribution, DraftFlaw.HeadVerifiedAsItsRow, DraftFlaw.PolicyLooksAtTheToken];

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Distribution_OfEveryCase_IsTheJoint(string name)
    {
        EnumerationCase task = EnumerationCases.Get(name);
        var tree = new RandomTree(task.Create, task.Model);
        Assert.AreEqual(1, tree.Distribution.Sum(), Exact);
        Assert.IsLessThanOrEqualTo(Exact, tree.WorstDifference(task.Joint), $"{tree.Leaves} leaves.");
        Assert.IsGreaterThan(20, tree.Leaves, "The case has too few outcomes to test anything.");
    }

    [TestMethod]
    [DynamicData(nameof(ExactVariants))]
    public void Distribution_OfExactVariants_IsTheJoint(DraftFlaw variant) => Assert.IsLessThanOrEqualTo(Exact, TotalVariation(variant));

    /// <summary>Controls: each flaw must be detected.</summary>
    [TestMethod]
    [DynamicData(nameof(FlawedVariants))]
    public void Distribution_OfFlawedVariants_IsNotTheJoint(DraftFlaw flaw) => Assert.IsGreaterThan(1e-3, TotalVariation(flaw));

    /// <summary>Control: a sampler without the restriction has another distribution.</summary>
    [TestMethod]
    public void Distribution_WithoutTheRestriction_IsNotTheJoint()
    {
        var order = Order.LeftToRight([true, false, false]);
        Dictionary<int, TokenSet> bannedAt = new() { [1] = new TokenSet([0, 2]) };
        var model = new DyadicModel(4, 3, 41, null, bannedAt);
        var restricted = new RandomTree(() => new SequentialSampler(order, new int[3], new() { BannedTokensAt = bannedAt }, 4), model);
        var free = new RandomTree(() => new SequentialSampler(order, new int[3], new(), 4), model);
        Assert.IsLessThanOrEqualTo(Exact, restricted.TotalVariation(model.Joint(order, new int[3])));
        Assert.IsGreaterThan(0.1, free.TotalVariation(model.Joint(order, new int[3])));
    }

    [TestMethod]
    public void Distribution_OfTheParallelSampler_IsNotTheJoint()
    {
        var order = Order.LeftToRight([true, false, false, false]);
        var model = new DyadicModel(3, 4, 1);
        var tree = new RandomTree(() => new ParallelSampler(order, new int[4], new(), 3), model);
        Assert.AreEqual(1, tree.Distribution.Sum(), Exact);
        Assert.IsGreaterThan(0.05, tree.TotalVariation(model.Joint(order, new int[4])));
        Assert.AreEqual(1, tree.ExpectedNfe, Exact);
    }

    [TestMethod]
    public void DyadicModel_Softmax_IsExactInFloat32()
    {
        var model = new DyadicModel(4, 6, 3);
        var order = Order.LeftToRight([true, false, true, false, false, false]);
        for (int pattern = 0; pattern < 256; pattern++)
        {
            int[] tokens = [0, pattern & 3, 1, (pattern >> 2) & 3, (pattern >> 4) & 3, pattern >> 6];
            var state = new SequenceState(order, tokens, 4, 1);
            for (int rank = 2; rank < 5; rank++)
                state.SetToken(rank, tokens[order.Positions[rank]]);
            state.BeginForwardPass(5);
            state.AddQuery(new Conditional(5, 5));
            model.Evaluate([state], default);
            Probabilities.Softmax(state.Row(0));
            double[] exact = model.Distribution(order.Positions[5], order.Positions[..5], tokens);
            for (int token = 0; token < 4; token++)
                Assert.AreEqual(exact[token], state.Row(0)[token]);
        }
    }

    /// <summary>With any other model, the distribution is the joint up to float32 rounding.</summary>
    [TestMethod]
    [DataRow(SamplerKind.Assd)]
    [DataRow(SamplerKind.Ngram)]
    [DataRow(SamplerKind.Fused)]
    [DataRow(SamplerKind.FusedTokenWise)]
    [DataRow(SamplerKind.FusedHead)]
    public void Distribution_OfRandomTables_IsTheJointUpToFloat32(SamplerKind kind)
    {
        var order = Order.LeftToRight([true, false, false, false]);
        var model = TableModel.Random(2, 4, 1.5, 4);
        int[] tokens = [1, 0, 0, 0];
        double[] joint = ExactDistribution.Joint(new(model, order, tokens, new()));
        var tree = new RandomTree(() => Decoding.Create(kind, order, tokens, new(), 2), model);
        Assert.IsLessThanOrEqualTo(1e-6, tree.WorstDifference(joint));
    }

    /// <summary>
    /// A token that is listed after others, but whose unigram probability to the power of 1 / temperature is below float32: the product of
    /// row and n-grams must not overflow, or every draft token would be accepted.
    /// </summary>
    [TestMethod]
    [DataRow(VerificationMethod.TokenWise)]
    [DataRow(VerificationMethod.Block)]
    public void Distribution_WithAVeryRareListedToken_IsTheJointUpToFloat32(VerificationMethod verification)
    {
        const byte Rare = 8 * 31; // 2^-31
        NgramTable table = NgramTable.Open(NgramBytes.Write(
            3, [([0], 8, 16), ([1], 8, 16), ([2], Rare, 16)], [([0, 1], 8, 0), ([0, 2], 8, 0), ([1, 2], 8, 0), ([2, 0], 8, 0), ([2, 1], 8, 0)]));
        var order = Order.LeftToRight([true, false, false, true, false]);
        var options = new SamplingOptions { Temperature = 0.25 };
        var model = TableModel.Random(3, 5, 0.3, 4);
        int[] tokens = [0, 0, 0, 1, 0];
        double[] joint = ExactDistribution.Joint(new(model, order, tokens, options));
        var tree = new RandomTree(
            () => new FusedSampler(order, tokens, options, 3, new FixedDraftPolicy(DraftSource.Product, 1, 1), table, verification), model, grid: 2000); // such a peaked draft has short intervals
        Assert.AreEqual(1, tree.Distribution.Sum(), 1e-9);
        Assert.IsLessThanOrEqualTo(1e-5, tree.WorstDifference(joint), $"{tree.Leaves} leaves.");
    }

    private static double TotalVariation(DraftFlaw flaw)
    {
        var order = Order.LeftToRight(new bool[3]);
        var model = new DyadicModel(3, 3, 4);
        var tree = new RandomTree(() => new FlawedSampler(order, new int[3], 3, 3, flaw), model);
        return tree.TotalVariation(model.Joint(order, new int[3]));
    }
}
