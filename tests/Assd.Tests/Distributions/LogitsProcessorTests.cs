using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Distributions;

[TestClass]
public sealed class LogitsProcessorTests
{
    [TestMethod]
    [DynamicData(nameof(AllOptions))]
    public void ToProbabilities_EveryLength_AgreesWithTheNaiveReference(SamplingOptions options)
    {
        var random = new SplitMix64(1);
        foreach (int length in Lengths.All.Where(length => length > options.BannedTokens.Count))
        {
            SamplingOptions fitting = options with
            {
                BannedTokens = [.. options.BannedTokens.Where(token => token < length)],
                LogitBias = options.LogitBias.Where(one => one.Key < length).ToDictionary(),
            };
            float[] row = random.NextRow(length, 2.5);
            double[] expected = ReferenceMath.Distribution(row, fitting);
            new LogitsProcessor(fitting, length).ToProbabilities(row);
            for (int i = 0; i < length; i++)
                Assert.AreEqual(expected[i], row[i], 2e-5 * expected[i] + 1e-37, $"Length {length}, index {i}.");
        }
    }

    public static IEnumerable<SamplingOptions> AllOptions =>
    [
        new(),
        new() { Temperature = 0.7 },
        new() { Temperature = 2.5 },
        new() { TopK = 1 },
        new() { TopK = 7 },
        new() { TopK = 100_000 },
        new() { TopP = 0.3 },
        new() { TopP = 0.9 },
        new() { TopP = 1 },
        new() { TopP = 1e-9 },
        new() { BannedTokens = [0, 6, 6] },
        new() { Temperature = 1.3, TopK = 20, TopP = 0.8, BannedTokens = [3, 1] },
        new() { LogitBias = new Dictionary<int, double> { [0] = 2.5, [5] = -3 } },
        new() { Temperature = 0.7, TopK = 20, TopP = 0.8, BannedTokens = [3], LogitBias = new Dictionary<int, double> { [0] = 2.5, [3] = 9, [7] = -100 } },
    ];

    [TestMethod]
    public void ToProbabilities_TopKWithTies_KeepsTheLowerTokens() =>
        AssertDistribution(new() { TopK = 2 }, [1, 5, 5, 5], [0, 0.5, 0.5, 0]);

    [TestMethod]
    public void ToProbabilities_TopPWithTies_KeepsTheLowerTokens() =>
        AssertDistribution(new() { TopP = 0.5 }, [3, 3, 3, 3], [0.5, 0.5, 0, 0]);

    [TestMethod]
    public void ToProbabilities_TopPJustAboveABoundary_KeepsOneMore() =>
        AssertDistribution(new() { TopP = 0.50001 }, [3, 3, 3, 3], [1 / 3.0, 1 / 3.0, 1 / 3.0, 0]);

    [TestMethod]
    public void ToProbabilities_TopPBelowTheFirst_KeepsTheFirst() =>
        AssertDistribution(new() { TopP = 0.01 }, [1, 2, 0], [0, 1, 0]);

    [TestMethod]
    public void ToProbabilities_TopPNextToOne_KeepsAll() =>
        AssertDistribution(new() { TopP = Math.BitDecrement(1.0) }, [3, 3, 3, 3], [0.25, 0.25, 0.25, 0.25]);

    /// <summary>Rounded probabilities may sum to less than such a p: then there are no more tokens to keep.</summary>
    [TestMethod]
    public void ToProbabilities_TopPAboveTheRoundedSum_KeepsAll()
    {
        var random = new SplitMix64(8);
        for (int length = 2; length < 200; length++)
        {
            float[] row = random.NextRow(length);
            new LogitsProcessor(new() { TopP = Math.BitDecrement(1.0) }, length).ToProbabilities(row);
            Assert.DoesNotContain(0f, row, $"Length {length}.");
        }
    }

    [TestMethod]
    public void ToProbabilities_TopKOfTheLowestLogits_KeepsTheLowerTokens() =>
        AssertDistribution(new() { TopK = 2 }, [-float.MaxValue, -float.MaxValue, -float.MaxValue], [0.5, 0.5, 0]);

    [TestMethod]
    public void ToProbabilities_TopPAfterTopK_AppliesToTheTokensThatTopKKeeps() =>
        AssertDistribution(new() { TopK = 2, TopP = 0.5 }, [3, 3, 3, 3], [1, 0, 0, 0]);

    [TestMethod]
    public void ToProbabilities_TopKAfterBans_CountsAllowedTokens() =>
        AssertDistribution(new() { TopK = 2, BannedTokens = [1] }, [2, 9, 2, 1], [0.5, 0, 0.5, 0]);

    [TestMethod]
    public void ToProbabilities_GreedyWithABias_HasTheModeOfTheBiased() =>
        AssertDistribution(new() { Temperature = 0, LogitBias = new Dictionary<int, double> { [1] = 4 } }, [3, 1, 2], [0, 1, 0]);

    [TestMethod]
    [DataRow(3, 1.0)]
    [DataRow(-1, 1.0)]
    [DataRow(0, 100.5)]
    [DataRow(0, double.NaN)]
    public void Constructor_BiasOutOfRange_Throws(int token, double bias)
    {
        ArgumentOutOfRangeException error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => new LogitsProcessor(new() { LogitBias = new Dictionary<int, double> { [token] = bias } }, 3));
        Assert.AreEqual(nameof(SamplingOptions.LogitBias), error.ParamName);
    }

    [TestMethod]
    public void ToProbabilities_AllButOneBanned_KeepsThatOne() =>
        AssertDistribution(new() { BannedTokens = [0, 2], TopK = 2, TopP = 0.5, Temperature = 3 }, [9, -9, 9], [0, 1, 0]);

    [TestMethod]
    public void ToProbabilities_GreedyIntoAnotherSpan_GivesTiesToTheLowerToken()
    {
        float[] probabilities = new float[4];
        new LogitsProcessor(new() { Temperature = 0, BannedTokens = [0] }, 4).ToProbabilities([9, 1, 5, 5], probabilities);
        SpanAssert.AreEqual([0, 0, 1, 0], probabilities);
    }

    [TestMethod]
    [DataRow(1e-30)]
    [DataRow(1e-45)]
    [DataRow(double.Epsilon)]
    public void ToProbabilities_TinyTemperature_IsGreedyAndSharesTies(double temperature)
    {
        AssertDistribution(new() { Temperature = temperature }, [1, 2, 1.999f], [0, 1, 0]);
        AssertDistribution(new() { Temperature = temperature }, [1e4f, -1e4f, 1e4f], [0.5, 0, 0.5]);
        AssertDistribution(new() { Temperature = temperature, BannedTokens = [1], TopK = 2, TopP = 0.9 }, [1, 2, 0], [1, 0, 0]);
    }

    [TestMethod]
    [DataRow(1e30)]
    [DataRow(1e39)]
    [DataRow(double.MaxValue)]
    public void ToProbabilities_HugeTemperature_IsUniformOverTheAllowed(double temperature)
    {
        AssertDistribution(new() { Temperature = temperature }, [1, 2, 3, 4], [0.25, 0.25, 0.25, 0.25]);
        AssertDistribution(new() { Temperature = temperature, BannedTokens = [0, 3] }, [1, 2, 3, 4], [0, 0.5, 0.5, 0]);
    }

    [TestMethod]
    public void ToProbabilities_ExtremeLogits_GivesADistribution()
    {
        foreach (SamplingOptions options in AllOptions)
        {
            SamplingOptions unbanned = options with { BannedTokens = [], LogitBias = new Dictionary<int, double>() };
            AssertDistribution(unbanned, [float.MaxValue, -float.MaxValue], [1, 0]);
            AssertDistribution(unbanned, [-1e4f, 1e4f, -1e4f], [0, 1, 0]);
        }

        AssertDistribution(new() { LogitBias = new Dictionary<int, double> { [0] = 100, [1] = -100 } }, [float.MaxValue, -float.MaxValue], [1, 0]);
    }

    [TestMethod]
    [DynamicData(nameof(AllOptions))]
    public void LogProbability_EveryOption_IsTheLogOfTheProbability(SamplingOptions options)
    {
        const int Length = 50;
        float[] row = new SplitMix64(7).NextRow(Length, 2);
        double[] expected = ReferenceMath.Distribution(row, options);
        var processor = new LogitsProcessor(options, Length);
        for (int token = 0; token < Length; token++)
            Assert.AreEqual(Math.Log(expected[token]), processor.LogProbability([.. row], token), 1e-5);
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    [DataRow(float.NegativeInfinity)]
    public void ToProbabilities_LogitNotFinite_Throws(float logit)
    {
        foreach (int length in Lengths.All)
        {
            var processor = new LogitsProcessor(new() { TopK = 3 }, length);
            foreach (int index in (int[])[0, length / 2, length - 1])
            {
                var row = new float[length];
                row[index] = logit;
                Assert.ThrowsExactly<ModelOutputException>(() => processor.ToProbabilities(row));
                Assert.ThrowsExactly<ModelOutputException>(() => processor.LogProbability(row, 0));
            }
        }
    }

    [TestMethod]
    public void ToProbabilities_BannedLogitNotFinite_Throws()
    {
        var processor = new LogitsProcessor(new() { BannedTokens = [1] }, 2);
        Assert.ThrowsExactly<ModelOutputException>(() => processor.ToProbabilities([0, float.NegativeInfinity]));
    }

    private static void AssertDistribution(SamplingOptions options, float[] logits, double[] expected)
    {
        new LogitsProcessor(options, logits.Length).ToProbabilities(logits);
        for (int i = 0; i < logits.Length; i++)
            Assert.AreEqual(expected[i], logits[i], 1e-6, $"{options}, token {i}.");
    }
}
