using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers.Fused;

/// <content>Which draft tokens random numbers accept, and which rows are left after that.</content>
public sealed partial class FusedSamplerTests
{
    /// <summary>After 0 the table lists only 1: p~ is 1/2 of the unigrams (1/2, 1/4, 1/4), and 1/2 more for 1. q is (1/4, 1/4, 1/2).</summary>
    [TestMethod]
    [DataRow(0.6, 0, 0.99, true, 1)]
    [DataRow(0.9, 2, 0.99, true, 1)]
    [DataRow(0.1, 1, 0.39, true, 0.4)]
    [DataRow(0.1, 1, 0.41, false, 0.4)]
    public void Step_DraftToken_IsVerifiedAgainstItsProbability(double draw, int drafted, double verify, bool accepted, double acceptance)
    {
        var policy = new ScriptedPolicy { Source = _ => DraftSource.Ngram };
        NgramTable table = NgramTable.Open(NgramBytes.Write(VocabularySize, [([0], 8, 8), ([1], 16, 255), ([2], 16, 255)], [([0, 1], 8, 0)]));
        FusedSampler sampler = NewSampler("G..", policy, table, VerificationMethod.TokenWise);
        new SamplingLoop(NewModel(3), [sampler], [new ScriptedRandom(draw, verify, 0.5)]).Step(default);
        Assert.AreEqual(new(1, 1, accepted ? 1 : 0), sampler.Counts(DraftSource.Ngram));
        Assert.AreEqual(accepted, sampler.Tokens[1] == drafted);
        Assert.AreEqual(DraftSource.Ngram, policy.Recorded.Single().Source);
        Assert.AreEqual(acceptance, policy.Recorded.Single().Acceptance, 1e-6);
    }

    /// <summary>
    /// Draft tokens 1 and 0 with p~ = 1 and q = 1/4. h = (1, 1/4, 1/16), and the stop probability of one accepted token is S / (S + 3/4) = 1/5
    /// with S = 3/16, the sum of max(q/4 - p~, 0).
    /// </summary>
    [TestMethod]
    [DataRow(new[] { 0.062, 0.9 }, new[] { 0, 1, 0, 2 }, 2, DisplayName = "All accepted, then the bonus query")]
    [DataRow(new[] { 0.063, 0.199, 0.33 }, new[] { 0, 1, 1 }, 2, DisplayName = "One accepted, replaced from the residual (0, 1/16, 1/8)")]
    [DataRow(new[] { 0.063, 0.199, 0.34 }, new[] { 0, 1, 2 }, 2, DisplayName = "The same, by another random number")]
    [DataRow(new[] { 0.063, 0.201, 0.33 }, new[] { 0, 0 }, 1, DisplayName = "None accepted, replaced from the residual (1/4, 0, 1/2)")]
    [DataRow(new[] { 0.063, 0.201, 0.34 }, new[] { 0, 2 }, 1, DisplayName = "The same, by another random number of the residual")]
    public void Step_BlockVerification_AcceptsThePrefixOfTheRandomNumbers(double[] numbers, int[] tokens, int verified)
    {
        var policy = new ScriptedPolicy { Source = _ => DraftSource.Ngram };
        FusedSampler sampler = NewSampler("G....", policy, _alternating);
        var random = new ScriptedRandom([0.5, 0.5, .. numbers]);
        new SamplingLoop(NewModel(5), [sampler], [random]).Step(default);
        Assert.AreEqual((tokens.Length, 0), (sampler.Committed, random.Left));
        SpanAssert.AreEqual(tokens, sampler.Tokens[..tokens.Length]);
        Assert.AreEqual(new(2, verified, tokens.Length - 2), sampler.Counts(DraftSource.Ngram));
        Assert.HasCount(verified, policy.Recorded);
        Assert.IsTrue(policy.Recorded.All(recorded => recorded.Source == DraftSource.Ngram && Math.Abs(recorded.Acceptance - 0.25) < 1e-6));
        Assert.AreEqual(
            tokens[1..].Sum(token => Math.Log(token == 2 ? 0.5 : 0.25)), sampler.Statistics.LogProbability, 1e-5);
    }

    /// <summary>No prefix goes beyond a draft token that the network excludes: then h = (1, 1/4, 0), and one is accepted with probability 1/4.</summary>
    [TestMethod]
    [DataRow(new[] { 0.249, 0.4 }, new[] { 0, 1, 1 })]
    [DataRow(new[] { 0.251, 0.33 }, new[] { 0, 0 })]
    public void Step_BlockVerificationOfAnImpossibleToken_StopsBeforeIt(double[] numbers, int[] tokens)
    {
        var model = new ScriptedModel(VocabularySize, 5, conditional => conditional.Rank == 2 ? [0, 0.5, 0.5] : [0.25, 0.25, 0.5]);
        FusedSampler sampler = NewSampler("G....", new FixedDraftPolicy(DraftSource.Ngram, 2), _alternating);
        var random = new ScriptedRandom([0.5, 0.5, .. numbers]);
        new SamplingLoop(model, [sampler], [random]).Step(default);
        Assert.AreEqual((tokens.Length, 0), (sampler.Committed, random.Left));
        SpanAssert.AreEqual(tokens, sampler.Tokens[..tokens.Length]);
    }

    /// <summary>Draft tokens 1 and 0, the second of which the network gives probability 1 as the draft does: no prefix of one, whatever the random number.</summary>
    [TestMethod]
    public void Step_BlockVerificationOfAPrefixWithoutResidual_NeverStopsThere()
    {
        var model = new ScriptedModel(VocabularySize, 5, conditional => conditional.Rank == 2 ? [1, 0, 0] : [0.25, 0.25, 0.5]);
        FusedSampler sampler = NewSampler("G....", new FixedDraftPolicy(DraftSource.Ngram, 2), _alternating);
        var random = new ScriptedRandom(0.5, 0.5, 0.26, 0, 0.5);
        new SamplingLoop(model, [sampler], [random]).Step(default);
        Assert.AreEqual((2, 0, 0), (sampler.Committed, sampler.Statistics.Accepted, random.Left));
        SpanAssert.AreEqual([0, 2], sampler.Tokens[..2]);
    }

    /// <summary>A row behind the second of two draft tokens, which is rejected, has seen the first: more than the row of a draft query without both.</summary>
    [TestMethod]
    public void Prepare_AfterARejection_HasTheRowThatHasSeenTheAcceptedToken()
    {
        double confidence = 0;
        var policy = new ScriptedPolicy
        {
            MaxDraftQueries = 1,
            MaxDraftTokens = 3,
            Queries = view => view.Committed == 1 ? [new(4, 1)] : [],
            Source = view =>
            {
                confidence = view.Target(4).NetworkConfidence;
                return view.Committed == 1 ? DraftSource.Ngram : DraftSource.None;
            },
        };
        var model = new ScriptedModel(VocabularySize, 9, conditional => conditional switch
        {
            (4, 1) => [0.5, 0.25, 0.25],
            (4, 4) => [0.875, 0.0625, 0.0625],
            _ => [0.25, 0.25, 0.5],
        });
        FusedSampler sampler = NewSampler("G........", policy, _alternating, VerificationMethod.TokenWise);
        var random = new ScriptedRandom(0.5, 0.5, 0.5, 0.2, 0.9, 0.5);
        new SamplingLoop(model, [sampler], [random]).Step(default);
        sampler.Prepare(random);
        Assert.AreEqual((3, 1, 0), (sampler.Committed, sampler.Statistics.Accepted, random.Left));
        Assert.AreEqual(0.875, confidence, 1e-6);
    }

    /// <summary>
    /// Rows of rank 4 by horizon have the largest probabilities 1/2, 3/4 and 7/8. The row that is kept has seen most, but no rejected token.
    /// </summary>
    [TestMethod]
    [DataRow(new[] { 0.9, 0.5 }, 2, 0.5, new[] { 2, 3, 4 }, DisplayName = "First draft token rejected")]
    [DataRow(new[] { 0.2, 0.9, 0.5 }, 3, 0.75, new[] { 3, 4 }, DisplayName = "Second draft token rejected")]
    [DataRow(new[] { 0.2, 0.2, 0.5 }, 4, 0.875, new[] { 4 }, DisplayName = "All accepted")]
    public void Prepare_AfterDraftQueries_HasTheRowsThatSawNoRejectedToken(double[] numbers, int committed, double confidence, int[] ranksWithRows)
    {
        var model = new ScriptedModel(VocabularySize, 9, conditional => conditional switch
        {
            (4, 1) => [0.5, 0.25, 0.25],
            (4, 2) => [0.75, 0.125, 0.125],
            (4, 3) => [0.875, 0.0625, 0.0625],
            _ => [0.25, 0.25, 0.5],
        });
        foreach (Conditional[] queries in (Conditional[][])[[new(4, 1), new(4, 2), new(4, 3)], [new(4, 3), new(4, 2), new(4, 1)]])
        {
            bool isFirst = true;
            double found = 0;
            int[] ranks = [];
            var policy = new ScriptedPolicy
            {
                MaxDraftQueries = 3,
                Source = view =>
                {
                    if (isFirst)
                        return DraftSource.Ngram;
                    ranks = [.. Enumerable.Range(view.Committed, view.Length - view.Committed).Where(rank => view.Target(rank).NetworkNeighbours is not null)];
                    found = view.Target(4).NetworkConfidence;
                    return DraftSource.None;
                },
                Queries = _ => isFirst ? queries : [],
            };
            FusedSampler sampler = NewSampler("G........", policy, _alternating, VerificationMethod.TokenWise);
            var random = new ScriptedRandom([0.5, 0.5, .. numbers]);
            new SamplingLoop(model, [sampler], [random]).Step(default);
            isFirst = false;
            sampler.Prepare(random);
            Assert.AreEqual((committed, 0), (sampler.Committed, random.Left));
            CollectionAssert.AreEqual(ranksWithRows, ranks);
            Assert.AreEqual(confidence, found, 1e-6);
        }
    }

    /// <summary>Rows behind a rejected draft token are kept as far as the policy looks ahead.</summary>
    [TestMethod]
    [DataRow(1, 0)]
    [DataRow(2, 1)]
    [DataRow(3, 2)]
    [DataRow(9, 2)]
    public void Prepare_AfterARejection_HasTheRowsBehindIt(int lookahead, int rows)
    {
        int found = 0;
        var policy = new ScriptedPolicy
        {
            Lookahead = lookahead,
            Source = view =>
            {
                found = Enumerable.Range(view.Committed, view.Length - view.Committed).Count(rank => view.Target(rank).NetworkNeighbours is not null);
                return view.Committed == 1 ? DraftSource.Ngram : DraftSource.None;
            },
        };
        FusedSampler sampler = NewSampler("G........", policy, _alternating, VerificationMethod.TokenWise);
        var random = new ScriptedRandom(0.5, 0.5, 0.9, 0.5);
        new SamplingLoop(NewModel(9), [sampler], [random]).Step(default);
        sampler.Prepare(random);
        Assert.AreEqual((2, rows), (sampler.Committed, found));
    }
}
