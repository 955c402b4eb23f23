using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Support;

/// <summary>A random task: order, given positions, options and sampler.</summary>
internal sealed class RandomTask
{
    public const int VocabularySize = 6;
    public const int MaxLength = 24;

    private const int NotAToken = -5;

    public RandomTask(IRandomSource random)
    {
        int length = random.Next(1, MaxLength);
        bool[] given = random.NextGiven(length, random.NextDouble() * 0.8);
        Order = random.Next(3) switch
        {
            0 => Order.LeftToRight(given),
            1 => Order.RightToLeft(given),
            _ => Order.Random(given, random),
        };
        Tokens = random.NextTokens(length, VocabularySize);
        foreach (int position in Order.Positions[Order.GivenCount..])
            Tokens[position] = NotAToken;
        Kind = Enum.GetValues<SamplerKind>()[random.Next(Enum.GetValues<SamplerKind>().Length)];
        Options = NewOptions(random);
        if (random.NextDouble() < 0.4)
            Options = Options with { BannedTokensAt = NewBansAt(random, length, Options.BannedTokens) };
        Seed = random.Next(int.MaxValue);
        NewPolicy = RandomPolicy(random);
        TableOrder = random.Next(0, 4);
        VerificationMethod = (VerificationMethod)random.Next(2);
    }

    public Order Order { get; }

    public int[] Tokens { get; }

    public SamplerKind Kind { get; }

    public SamplingOptions Options { get; }

    public int Seed { get; }

    private NgramTable? Table => TableOrder == 0 ? null : NgramBytes.Table(VocabularySize, TableOrder);

    /// <summary>Creates the draft policy of a fused sampler.</summary>
    public Func<IDraftPolicy> NewPolicy { get; }

    /// <summary>The order of the n-grams of a fused sampler; 0 for none.</summary>
    public int TableOrder { get; }

    /// <summary>The verification method of a fused sampler.</summary>
    public VerificationMethod VerificationMethod { get; }

    public Sampler NewSampler() => Kind is SamplerKind.Fused or SamplerKind.FusedTokenWise or SamplerKind.FusedHead
        ? new FusedSampler(
            Order, Tokens, Options, VocabularySize, NewPolicy(), Table, VerificationMethod,
            head: Kind == SamplerKind.FusedHead ? RandomHead.Create(VocabularySize, RowModel.NumbersOfAState) : null)
        : Decoding.Create(Kind, Order, Tokens, Options, VocabularySize);

    /// <summary>Checks what holds for every result of every exact sampler.</summary>
    public void Check(Sampler sampler, IAnySubsetModel model)
    {
        Assert.IsTrue(sampler.IsDone);
        for (int rank = 0; rank < Order.Length; rank++)
        {
            int token = sampler.Tokens[Order.Positions[rank]];
            if (rank >= Order.GivenCount)
                CollectionAssert.DoesNotContain(ReferenceMath.BannedAt(Options, Order.Positions[rank]), token, "A token is banned at its position.");
            if (rank < Order.GivenCount)
                Assert.AreEqual(Tokens[Order.Positions[rank]], token, "A given token changed.");
            else
                Assert.IsTrue(token is >= 0 and < VocabularySize && !Options.BannedTokens.Contains(token), $"Token {token} is out of range or banned.");
        }

        SamplingStatistics statistics = sampler.Statistics;
        Assert.AreEqual(Order.TargetCount, statistics.Generated);
        Assert.IsLessThanOrEqualTo(statistics.Generated, statistics.Nfe, "Theorem 1.");
        Assert.IsLessThanOrEqualTo(statistics.Generated, statistics.Accepted);
        Assert.IsLessThanOrEqualTo(statistics.Drafted, statistics.Accepted);
        if (Kind == SamplerKind.Sequential)
            Assert.AreEqual((Order.TargetCount, 0, 0), (statistics.Nfe, statistics.Drafted, statistics.Accepted));
        else if (Kind == SamplerKind.Assd)
            CheckSteps(statistics);
        else
            Assert.IsGreaterThanOrEqualTo(statistics.Generated - statistics.Nfe, statistics.Accepted, "Each forward pass commits one token besides the accepted ones.");
        double density = JointDensity.LogProbabilities(model, Order, sampler.Tokens, Options).Sum();
        Assert.AreEqual(density, statistics.LogProbability, 1e-4, "The statistics and the joint density disagree.");
    }

    /// <summary>
    /// An ASSD speculation step has two forward passes, or one with one draft token. It accepts its first draft token and replaces at most
    /// one. So every token that was not accepted is a replacement, at most one per step.
    /// </summary>
    private void CheckSteps(SamplingStatistics statistics)
    {
        int replaced = statistics.Generated - statistics.Accepted;
        int steps = (statistics.Nfe + 1) / 2;
        if (Options.DraftLength is 1)
            Assert.AreEqual((statistics.Generated, 0), (statistics.Nfe, replaced));
        else
            Assert.IsLessThanOrEqualTo(steps, replaced);
        Assert.IsGreaterThanOrEqualTo(statistics.Generated, statistics.Drafted, "Each committed token had a draft token.");
    }

    private static Func<IDraftPolicy> RandomPolicy(IRandomSource random)
    {
        var source = (DraftSource)random.Next(1, 3);
        int draftTokens = random.Next(0, 6), queriesPerOutcome = random.Next(0, 3);
        double fixedCost = Math.Exp(8 * random.NextDouble());
        int? draftLength = random.NextDouble() < 0.3 ? random.Next(1, 12) : null;
        return random.NextDouble() < 0.4
            ? () => new FixedDraftPolicy(source, draftTokens, queriesPerOutcome)
            : () => new AdaptiveDraftPolicy(new(fixedCost, 1, 1), draftLength);
    }

    private static Dictionary<int, TokenSet> NewBansAt(IRandomSource random, int length, IReadOnlyCollection<int> banned)
    {
        var bans = new Dictionary<int, TokenSet>();
        int[] allowed = [.. Enumerable.Range(0, VocabularySize).Except(banned)];
        for (int position = 0; position < length; position++)
        {
            if (allowed.Length > 1 && random.NextDouble() < 0.5)
                bans[position] = new TokenSet([.. allowed[..random.Next(1, allowed.Length - 1)], .. banned.Take(1)]);
        }

        return bans;
    }

    private static SamplingOptions NewOptions(IRandomSource random) => new()
    {
        DraftLength = random.Next(1, 8),
        Temperature = random.NextDouble() < 0.1 ? 0 : random.NextDouble() < 0.5 ? 1 : 0.3 + 2 * random.NextDouble(),
        TopK = random.NextDouble() < 0.2 ? random.Next(1, VocabularySize + 1) : null,
        TopP = random.NextDouble() < 0.2 ? 1 - 0.9 * random.NextDouble() : null,
        BannedTokens = random.NextDouble() < 0.5 ? [] : [.. random.NextTokens(random.Next(1, VocabularySize - 1), VocabularySize)],
    };
}
