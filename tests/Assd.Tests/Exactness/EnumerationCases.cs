using AsArm.Assd.Distributions;
using AsArm.Assd.DraftHeads;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>Cases for every sampler, draft source, verification method, kind of draft policy and kind of order.</summary>
internal static class EnumerationCases
{
    private static readonly Dictionary<string, Func<EnumerationCase>> _cases = NewCases();

    public static IEnumerable<string> Names => _cases.Keys;

    public static EnumerationCase Get(string name) => _cases[name]();

    private static Dictionary<string, Func<EnumerationCase>> NewCases()
    {
        var cases = new Dictionary<string, Func<EnumerationCase>>
        {
            ["sequential"] = () => Plain(SamplerKind.Sequential, "G....", 3, 1),
            ["assd"] = () => Plain(SamplerKind.Assd, "G...", 3, 2),
            ["assd, two gaps"] = () => Plain(SamplerKind.Assd, ".G..", 3, 3),
            ["n-gram sampler"] = () => Plain(SamplerKind.Ngram, "GG...", 3, 4),
            ["n-gram sampler, position 0"] = () => Plain(SamplerKind.Ngram, "..G.", 3, 5),
            ["n-gram sampler, right to left"] = () => Plain(SamplerKind.Ngram, "...GG..", 2, 6, RightToLeft),
            ["n-gram sampler, nothing given"] = () => Plain(SamplerKind.Ngram, "....", 3, 7),
            ["sequential, restricted"] = () => Plain(SamplerKind.Sequential, "G....", 4, 41, bannedAt: Bans(1, [0, 2], 3, [1])),
            ["assd, restricted"] = () => Plain(SamplerKind.Assd, "G...", 4, 42, bannedAt: Bans(1, [0, 2], 3, [1])),
            ["assd, right to left, restricted"] = () => Plain(SamplerKind.Assd, "....G", 4, 43, RightToLeft, Bans(0, [0, 2], 2, [1])),
            ["n-gram sampler, restricted"] = () => Plain(SamplerKind.Ngram, "GG...", 4, 44, bannedAt: Bans(2, [0, 2], 4, [1])),
            ["n-gram sampler, right to left, restricted"] = () => Plain(SamplerKind.Ngram, "...GG.", 4, 45, RightToLeft, Bans(1, [0], 5, [1, 2])),
        };
        foreach (VerificationMethod verification in Enum.GetValues<VerificationMethod>())
        {
            foreach (DraftSource source in (DraftSource[])[DraftSource.Ngram, DraftSource.Network, DraftSource.Product, DraftSource.Head])
                AddFixed(cases, verification, source);
            AddAdaptive(cases, verification);
        }

        return cases;
    }

    private static void AddFixed(Dictionary<string, Func<EnumerationCase>> cases, VerificationMethod verification, DraftSource source)
    {
        Func<IDraftPolicy> Policy(int draftTokens, int queriesPerOutcome) => () => new FixedDraftPolicy(source, draftTokens, queriesPerOutcome);
        string name = $"{verification}, {source}";
        bool hasHead = source == DraftSource.Head;
        cases[$"{name}, gap"] = () => Fused(verification, Policy(2, 2), source == DraftSource.Ngram ? "G..." : "G....", 3, 11, hasHead: hasHead);
        cases[$"{name}, two gaps"] = () => Fused(verification, Policy(2, 1), source == DraftSource.Ngram ? ".G..G." : "..G..G..", 2, 36, hasHead: hasHead);
        cases[$"{name}, long"] = () => Fused(verification, Policy(3, 2), "G.....", 2, 33, hasHead: hasHead);
        cases[$"{name}, right to left"] = () => Fused(verification, Policy(2, 2), ".....G", 3, 35, order: RightToLeft, hasHead: hasHead);
        cases[$"{name}, random order"] = () => Fused(verification, Policy(2, 2), ".G..G.", 3, 15, order: Random, hasHead: hasHead);
        cases[$"{name}, restricted"] = () => Fused(verification, Policy(2, 2), "G....", 4, 51, bannedAt: Bans(1, [0, 2], 3, [1]), hasHead: hasHead);
        cases[$"{name}, right to left, restricted"] = () => Fused(verification, Policy(2, 2), "....G", 4, 52, RightToLeft, bannedAt: Bans(0, [3], 1, [0, 2]), hasHead: hasHead);
    }

    private static void AddAdaptive(Dictionary<string, Func<EnumerationCase>> cases, VerificationMethod verification)
    {
        Func<IDraftPolicy> Policy(double fixedCost, int? draftLength = null) => () => new AdaptiveDraftPolicy(new(fixedCost, 1, 1), draftLength);
        string name = $"{verification}, adaptive";
        cases[name] = () => Fused(verification, Policy(40), "G...", 3, 21);
        cases[$"{name}, two gaps"] = () => Fused(verification, Policy(40), ".G..G..", 2, 22);
        cases[$"{name}, expensive tokens"] = () => Fused(verification, Policy(2), "G...G.", 3, 23);
        Func<IDraftPolicy> noQueries = () => new FixedDraftPolicy(DraftSource.Product, 2); // only verification rows behind rejections
        cases[$"{verification}, no draft queries"] = () => Fused(verification, noQueries, "G....", 3, 37);
        cases[$"{verification}, no draft queries, two gaps"] = () => Fused(verification, noQueries, ".G..G..", 2, 38);
        cases[$"{verification}, no draft queries, right to left"] = () => Fused(verification, noQueries, "....G", 3, 39, order: RightToLeft);
        cases[$"{name}, uniform"] = () => Fused(verification, () => AdaptiveDraftPolicy.Uniform(new(6, 1, 1)), "G..G..", 2, 29);
        Func<IDraftPolicy> exploring = () => new ExploringDraftPolicy(new DraftAcceptanceTally(), new SplitMix64(7));
        cases[$"{verification}, exploring"] = () => Fused(verification, exploring, "G....", 3, 61);
        cases[$"{verification}, exploring, two gaps"] = () => Fused(verification, exploring, ".G..G..", 2, 62);
        cases[$"{verification}, exploring, draft head"] = () => Fused(verification, exploring, "G....", 3, 71, hasHead: true);
        cases[$"{verification}, exploring, draft head, two gaps"] = () => Fused(verification, exploring, ".G..G..", 2, 72, hasHead: true);
        cases[$"{verification}, no draft queries, draft head"] = () => Fused(verification, () => new FixedDraftPolicy(DraftSource.Head, 2), "G....", 3, 73, hasHead: true);
        cases[$"{name}, draft head"] = () => Fused(verification, Policy(40), "G....", 3, 74, hasHead: true);
        cases[$"{name}, draft head, no table"] = () => Fused(verification, Policy(40), "G....", 3, 75, tableOrder: null, hasHead: true);
        cases[$"{name}, draft head, banned token"] = () => Fused(verification, Policy(40), "G...", 4, 76, banned: 2, hasHead: true);
        cases[$"{verification}, exploring, random order"] = () => Fused(verification, exploring, ".G..G.", 3, 63, order: Random);
        cases[$"{name}, measured acceptance"] = () => Fused(verification, () => new AdaptiveDraftPolicy(new(40, 1, 1), null, Measured()), "..G..G..", 2, 64);
        cases[$"{name}, weight of the corpus"] = () => Fused(verification, Policy(40), "GG....", 3, 65, corpusWeight: 0.5);
        cases[$"{name}, fixed length"] = () => Fused(verification, Policy(40, 2), "G....", 2, 24);
        cases[$"{name}, no table"] = () => Fused(verification, Policy(1000), "GG....", 3, 25, tableOrder: null);
        cases[$"{name}, order 4"] = () => Fused(verification, Policy(1000), "GGG...", 3, 26, tableOrder: 4);
        cases[$"{name}, order 1"] = () => Fused(verification, Policy(1000), "G....", 3, 27, tableOrder: 1);
        cases[$"{name}, banned token"] = () => Fused(verification, Policy(40), "G...", 4, 28, banned: 2);
        cases[$"{name}, restricted"] = () => Fused(verification, Policy(40), "G....", 5, 53, banned: 2, bannedAt: Bans(1, [0], 2, [1, 3]));
        cases[$"{name}, no table, restricted"] = () => Fused(verification, Policy(1000), "GG....", 4, 54, tableOrder: null, bannedAt: Bans(2, [0, 2], 4, [1]));
    }

    /// <summary>Products have the highest acceptance, then rows, then n-grams, so that draft queries are profitable.</summary>
    private static DraftAcceptance Measured() => new(
        [.. Enumerable.Repeat(0.3, DraftAcceptance.RatesOfSource)],
        [.. Enumerable.Repeat(0.6, DraftAcceptance.RatesOfSource)],
        [.. Enumerable.Repeat(0.8, DraftAcceptance.RatesOfSource)],
        null);

    private static EnumerationCase Plain(
        SamplerKind kind, string pattern, int vocabularySize, long seed, Func<bool[], Order>? order = null, Dictionary<int, TokenSet>? bannedAt = null)
    {
        SamplingOptions options = WithBans(new() { DraftLength = 3 }, bannedAt);
        return NewCase(
            pattern, new(vocabularySize, pattern.Length, seed, null, bannedAt), order, (o, tokens) => Decoding.Create(kind, o, tokens, options, vocabularySize));
    }

    private static EnumerationCase Fused(
        VerificationMethod verification,
        Func<IDraftPolicy> policy,
        string pattern,
        int vocabularySize,
        long seed,
        Func<bool[], Order>? order = null,
        int? tableOrder = 3,
        int? banned = null,
        Dictionary<int, TokenSet>? bannedAt = null,
        double corpusWeight = NgramTable.DefaultCorpusWeight,
        bool hasHead = false)
    {
        SamplingOptions options = WithBans(new() { BannedTokens = banned is int one ? [one] : [] }, bannedAt);
        DraftHead? head = hasHead ? RandomHead.Create(vocabularySize, RowModel.NumbersOfAState) : null;
        NgramTable? table = tableOrder is int length ? NgramBytes.Table(vocabularySize, length) : null;
        return NewCase(
            pattern,
            new(vocabularySize, pattern.Length, seed, banned, bannedAt),
            order,
            (o, tokens) => new FusedSampler(o, tokens, options, vocabularySize, policy(), table, verification, corpusWeight, head));
    }

    private static EnumerationCase NewCase(
        string pattern, DyadicModel model, Func<bool[], Order>? newOrder, Func<Order, int[], Sampler> create)
    {
        bool[] given = [.. pattern.Select(letter => letter == 'G')];
        Order order = newOrder is null ? Order.LeftToRight(given) : newOrder(given);
        int[] tokens = [.. Enumerable.Range(0, given.Length).Select(position => position % 2)];
        return new(model, model.Joint(order, tokens), () => create(order, tokens));
    }

    private static SamplingOptions WithBans(SamplingOptions options, Dictionary<int, TokenSet>? bannedAt) =>
        bannedAt is null ? options : options with { BannedTokensAt = bannedAt };

    private static Dictionary<int, TokenSet> Bans(int first, int[] atFirst, int second, int[] atSecond) =>
        new() { [first] = new TokenSet(atFirst), [second] = new TokenSet(atSecond) };

    private static Order RightToLeft(bool[] given) => Order.RightToLeft(given);

    private static Order Random(bool[] given) => Order.Random(given, new SplitMix64(3));
}
