using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// Tasks whose joint distribution is enumerated. With their sizes and sharpness, an exact sampler has a total variation of about 0.013 for
/// 20,000 samples, and tokens depend on each other enough for flawed samplers to be detected.
/// </summary>
internal static class DistributionCases
{
    private static readonly Dictionary<string, Func<DistributionCase>> _cases = new()
    {
        ["V2, 4 of 5, left to right, k2"] = () => Case(TableModel.Random(2, 5, 1.5, 1), LeftToRight("G...."), 2),
        ["V2, 5 of 6, right to left, k4"] = () => Case(TableModel.Random(2, 6, 1.7, 2), RightToLeft("...G.."), 4),
        ["V3, 3 of 3, random, k3"] = () => Case(TableModel.Random(3, 3, 1.3, 3), Random("...", 3), 3),
        ["V4, 3 of 5, random, k3"] = () => Case(TableModel.Random(4, 5, 2.6, 4), Random(".G.G.", 5), 3),
        ["V3, 4 of 6, left to right, k4"] = () => Case(TableModel.Random(3, 6, 2.4, 5), LeftToRight(".G..G."), 4),
        ["V3, 5 of 6, random, k3"] = () => Case(TableModel.Random(3, 6, 4.5, 6), Random("....G.", 6), 3),
        ["V3, 3 of 4, right to left, k2"] = () => Case(TableModel.Random(3, 4, 1.3, 7), RightToLeft("...G"), 2),
        ["V3, 3 of 5, inconsistent network, k3"] = () => Case(new RandomModel(3, 5, 4, 10), Random("G...G", 1), 3),
        ["V4, 4 of 5, warped, k4"] = () => new(
            TableModel.Random(4, 5, 1.5, 8),
            Order.FromPositions([1, 4, 0, 2, 3], 1),
            new() { DraftLength = 4, Temperature = 0.8, TopK = 2, TopP = 0.95, BannedTokens = [2] }),
        ["V4, 3 of 3, hot, k3"] = () => new(
            TableModel.Random(4, 3, 3, 9), LeftToRight("..."), new() { DraftLength = 3, Temperature = 1.4, TopK = 3, TopP = 0.9 }),
        [Masked] = () => new(
            new MaskingModel(TableModel.Random(3, 4, 1.6, 11)), LeftToRight("G..."), new() { DraftLength = 3, BannedTokens = [3] }),
        [Restricted] = () => new(
            TableModel.Random(4, 4, 2.6, 12), LeftToRight("G..."), new() { DraftLength = 3, BannedTokensAt = Bans(1, [0, 2], 3, [3]) }),
        ["V4, 3 of 5, right to left, restricted and warped, k3"] = () => new(
            TableModel.Random(4, 5, 1.5, 13),
            RightToLeft(".G..G"),
            new() { DraftLength = 3, Temperature = 0.8, TopK = 3, BannedTokens = [3], BannedTokensAt = Bans(0, [1], 2, [0, 3]) }),
        ["V3, 4 of 5, random, restricted, k4"] = () => new(
            TableModel.Random(3, 5, 2.4, 14), Random(".G...", 3), new() { DraftLength = 4, BannedTokensAt = Bans(2, [1], 4, [0]) }),
        [Biased] = () => new(TableModel.Random(4, 4, 2.6, 15), LeftToRight("G..."), new() { DraftLength = 3, LogitBias = Biases }),
        ["V4, 3 of 5, random, biased and warped, k3"] = () => new(
            TableModel.Random(4, 5, 1.7, 16),
            Random(".G.G.", 5),
            new() { DraftLength = 3, Temperature = 0.8, TopK = 3, BannedTokens = [1], LogitBias = Biases }),
    };

    /// <summary>The task with biases of logits.</summary>
    public const string Biased = "V4, 3 of 4, biased, k3";

    /// <summary>The task with further banned tokens at two positions.</summary>
    public const string Restricted = "V4, 3 of 4, restricted, k3";

    /// <summary>The task with a banned mask token, of probability 0.2 in drafts.</summary>
    public const string Masked = "V3 and mask, 3 of 4, k3";

    public static IEnumerable<string> Names => _cases.Keys;

    public static DistributionCase Get(string name) => _cases[name]();

    private static DistributionCase Case(RowModel model, Order order, int draftLength) => new(model, order, new() { DraftLength = draftLength });

    private static Order LeftToRight(string pattern) => Order.LeftToRight(Given(pattern));

    private static Order RightToLeft(string pattern) => Order.RightToLeft(Given(pattern));

    private static Order Random(string pattern, long seed) => Order.Random(Given(pattern), new SplitMix64(seed));

    private static Dictionary<int, TokenSet> Bans(int first, int[] atFirst, int second, int[] atSecond) =>
        new() { [first] = new TokenSet(atFirst), [second] = new TokenSet(atSecond) };

    private static Dictionary<int, double> Biases => new() { [0] = -0.7, [1] = 3, [3] = 0.9 };

    private static bool[] Given(string pattern) => [.. pattern.Select(letter => letter == 'G')];
}
