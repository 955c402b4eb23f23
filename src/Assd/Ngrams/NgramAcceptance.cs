using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// How n-gram drafts would have done on a sequence that the model sampled: for x drawn from q the mean of min(1, p~(x) / q(x)) is the
/// overlap of the two, sum min(p~, q), with which a draft token is accepted. Calls no model.
/// </summary>
public static class NgramAcceptance
{
    /// <summary>[order.TargetCount] by rank: the draft's largest probability, and its overlap as estimated from the token that is there; both 0 where there is no draft.</summary>
    /// <param name="order">The order in which the sequence was sampled.</param>
    /// <param name="tokens">[order.Length] all tokens by position.</param>
    /// <param name="options">The distribution that was sampled from.</param>
    /// <param name="logProbabilities">[order.TargetCount] log q of the tokens, see <see cref="JointDensity" />.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="table">Corpus n-grams; without them the sequence's own bigrams.</param>
    /// <param name="corpusWeight">As many counts of the sequence's own the table is worth.</param>
    /// <exception cref="ArgumentException">Sizes that do not fit.</exception>
    public static (double Confidence, double Acceptance)[] Measure(
        Order order,
        ReadOnlySpan<int> tokens,
        SamplingOptions options,
        ReadOnlySpan<double> logProbabilities,
        int vocabularySize,
        NgramTable? table,
        double corpusWeight = NgramTable.DefaultCorpusWeight)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(options);
        if (logProbabilities.Length != order.TargetCount)
            throw new ArgumentException($"{logProbabilities.Length} probabilities for {order.TargetCount} targets.", nameof(logProbabilities));
        var draft = new NgramDraft(table, options, vocabularySize, corpusWeight);
        var state = new SequenceState(order, tokens, vocabularySize, 1);
        var result = new (double, double)[order.TargetCount];
        for (int i = 0; i < result.Length; i++)
        {
            int rank = order.GivenCount + i, token = tokens[order.Positions[rank]];
            bool isThere = draft.Prepare(state, rank, rank);
            result[i] = isThere ? (draft.Confidence, Math.Min(1, draft.Probability(token) / Math.Exp(logProbabilities[i]))) : default;
            state.SetToken(rank, token);
        }

        return result;
    }
}
