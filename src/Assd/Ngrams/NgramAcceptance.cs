using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// Estimates the acceptance of n-gram drafts from a sequence that was sampled from the model: for x drawn from q, the mean of
/// min(1, p~(x) / q(x)) is the overlap sum min(p~, q), the probability that a draft token is accepted. Needs no forward pass.
/// </summary>
public static class NgramAcceptance
{
    /// <summary>
    /// [order.TargetCount] by rank: the largest probability of the draft, and min(1, p~/q) of the token; both 0 if there is no draft.
    /// </summary>
    /// <param name="order">The order in which the sequence was generated.</param>
    /// <param name="tokens">[order.Length] all tokens by position.</param>
    /// <param name="options">Temperature, top-k, top-p and bans that the sequence was sampled with.</param>
    /// <param name="logProbabilities">[order.TargetCount] log q of the tokens: the factors of the joint density.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="table">Corpus n-grams; null measures the sequence's own bigrams.</param>
    /// <param name="corpusWeight">
    /// The weight of the corpus against the sequence, in successors of a token counted in the sequence; positive.
    /// </param>
    /// <exception cref="ArgumentException">The sizes of order, tokens, log-probabilities and table do not match.</exception>
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
            throw new ArgumentException($"{logProbabilities.Length} log-probabilities for {order.TargetCount} targets.", nameof(logProbabilities));
        var draft = new NgramDraft(table, options, vocabularySize, corpusWeight);
        var state = new SequenceState(order, tokens, vocabularySize, 1);
        var result = new (double, double)[order.TargetCount];
        for (int i = 0; i < result.Length; i++)
        {
            int rank = order.GivenCount + i, token = tokens[order.Positions[rank]];
            bool isAvailable = draft.Prepare(state, rank, rank);
            result[i] = isAvailable ? (draft.Confidence, Math.Min(1, draft.Probability(token) / Math.Exp(logProbabilities[i]))) : default;
            state.SetToken(rank, token);
        }

        return result;
    }
}
