using System.Numerics.Tensors;
using AsArm.Assd.Models;

namespace AsArm.Assd.Distributions;

/// <summary>
/// Turns raw logits [V] into the distribution that is sampled: biases, then bans, then temperature, then top-k, then top-p. The logit of an
/// excluded token becomes minus infinity. One instance serves one sequence at a time; it holds its buffers, so no row allocates.
/// </summary>
public sealed class LogitsProcessor
{
    private readonly SamplingOptions _options;
    private readonly TokenSet _banned;
    private readonly KeyValuePair<int, float>[] _biases;
    private readonly float[] _weights;
    private readonly int[] _candidates;

    /// <summary>Whether <see cref="Entropy" /> is computed, which reads each row once more.</summary>
    internal bool ComputesEntropy { get; set; }

    /// <summary>The entropy in nats of the last distribution; in greedy decoding that of temperature 1 with the bans alone.</summary>
    internal double Entropy { get; private set; }

    /// <summary>Validates the options and allocates the buffers for rows of V logits.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public LogitsProcessor(SamplingOptions options, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(vocabularySize);
        _options = options;
        _banned = new TokenSet(options.BannedTokens);
        _biases = [.. options.LogitBias.Select(one => KeyValuePair.Create(one.Key, (float)one.Value))];
        _weights = new float[vocabularySize];
        _candidates = new int[vocabularySize];
    }

    /// <summary>Replaces raw logits by probabilities.</summary>
    /// <param name="logits">[V] raw logits, replaced by probabilities.</param>
    /// <param name="bannedHere">Tokens banned for this row alone, see <see cref="SamplingOptions.BannedTokensAt" />.</param>
    /// <exception cref="ModelOutputException">A logit is NaN or infinite.</exception>
    public void ToProbabilities(Span<float> logits, TokenSet? bannedHere = null) => ToProbabilities(logits, logits, bannedHere);

    /// <summary>Writes the probabilities [V] of raw logits [V], which are overwritten.</summary>
    /// <inheritdoc cref="ToProbabilities(Span{float}, TokenSet)" />
    public void ToProbabilities(Span<float> logits, Span<float> probabilities, TokenSet? bannedHere = null)
    {
        if (_options.IsGreedy)
        {
            ToMode(logits, probabilities, bannedHere);
            return;
        }

        Process(logits, bannedHere);
        Probabilities.Softmax(logits, probabilities);
        if (ComputesEntropy)
            Entropy = Probabilities.Entropy(probabilities);
    }

    /// <summary>
    /// Natural log-probability of a token under the processed distribution, in greedy decoding under temperature 1 with biases and bans alone; the
    /// raw logits are overwritten.
    /// </summary>
    /// <inheritdoc cref="ToProbabilities(Span{float}, TokenSet)" />
    public double LogProbability(Span<float> logits, int token, TokenSet? bannedHere = null)
    {
        if (_options.IsGreedy)
            Adjust(logits, bannedHere);
        else
            Process(logits, bannedHere);
        return LogProbabilityOf(logits, token);
    }

    /// <summary>Writes the probabilities [V] of some tokens, normalised, from raw logits [V], which are overwritten. Not for greedy decoding.</summary>
    /// <param name="allowed">The tokens.</param>
    /// <param name="logits">[V] raw logits.</param>
    /// <param name="probabilities">[V] the result; not written if none of the tokens is possible.</param>
    /// <param name="bannedHere">Tokens banned for this row alone.</param>
    /// <returns>The natural log of their probability in the distribution of all tokens; minus infinity if none of them is possible.</returns>
    internal double ToProbabilitiesOf(TokenMask allowed, Span<float> logits, Span<float> probabilities, TokenSet? bannedHere)
    {
        Process(logits, bannedHere);
        double all = Probabilities.LogTotal(logits);
        allowed.Mask(logits);
        double left = Probabilities.LogTotal(logits);
        if (!double.IsNegativeInfinity(left))
            Probabilities.Softmax(logits, probabilities);
        return left - all;
    }

    /// <summary>Greedy decoding: probability 1 for the most probable token, the lowest id among equals.</summary>
    /// <param name="logits">[V] raw logits, overwritten.</param>
    /// <param name="probabilities">[V] the result.</param>
    /// <param name="bannedHere">Tokens banned for this row alone.</param>
    /// <param name="allowedHere">The tokens among which it is; null for all.</param>
    /// <returns>The natural log-probability of that token under temperature 1 with biases and bans alone; minus infinity if no token is allowed, and then any may be the result.</returns>
    internal double ToMode(Span<float> logits, Span<float> probabilities, TokenSet? bannedHere, TokenMask? allowedHere = null)
    {
        Adjust(logits, bannedHere);
        int mode = allowedHere is null ? logits.IndexOf(TensorPrimitives.Max<float>(logits)) : allowedHere.Mode(logits);
        if (mode < 0)
        {
            probabilities.Clear();
            probabilities[0] = 1;
            return double.NegativeInfinity;
        }

        double logProbability = LogProbabilityOf(logits, mode);
        probabilities.Clear();
        probabilities[mode] = 1;
        return logProbability;
    }

    /// <summary>Whether a token is banned, everywhere or for this row.</summary>
    internal bool IsBanned(int token, TokenSet? bannedHere) => _banned.Contains(token) || bannedHere?.Contains(token) == true;

    private double LogProbabilityOf(ReadOnlySpan<float> logits, int token)
    {
        if (ComputesEntropy)
        {
            Probabilities.Softmax(logits, _weights);
            Entropy = Probabilities.Entropy(_weights);
        }

        return Probabilities.LogProbability(logits, token, _weights);
    }

    private void Adjust(Span<float> logits, TokenSet? bannedHere)
    {
        if (!TensorPrimitives.IsFiniteAll<float>(logits))
            throw new ModelOutputException("The model returned NaN or infinite logits.");
        foreach ((int token, float bias) in _biases)
            logits[token] = Math.Clamp(logits[token] + bias, float.MinValue, float.MaxValue);
        foreach (int token in _banned.Tokens)
            logits[token] = float.NegativeInfinity;
        if (bannedHere is null)
            return;
        foreach (int token in bannedHere.Tokens)
            logits[token] = float.NegativeInfinity;
    }

    private void Process(Span<float> logits, TokenSet? bannedHere)
    {
        Adjust(logits, bannedHere);
        if (_options.Temperature != 1)
            Scale(logits);
        if (_options.TopK is int k && k < logits.Length)
            KeepMostProbable(logits, k);
        if (_options.TopP is double p && p < 1)
            KeepNucleus(logits, p);
    }

    /// <summary>
    /// Divides by the temperature. The maximum is subtracted first, so that no temperature, however low, overflows to infinity; the clamp
    /// keeps the divisor finite, as minus infinity divided by infinity is NaN.
    /// </summary>
    private void Scale(Span<float> logits)
    {
        float temperature = Math.Clamp((float)_options.Temperature, float.Epsilon, float.MaxValue);
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max<float>(logits), logits);
        TensorPrimitives.Divide(logits, temperature, logits);
    }

    private void KeepMostProbable(Span<float> logits, int k)
    {
        logits.CopyTo(_weights);
        int candidates = HeapCandidates(float.MinValue);
        int keep = Math.Min(k, candidates);
        for (int taken = 0; taken < keep; taken++)
            TakeHeaviest(candidates - taken);
        Keep(logits, _candidates.AsSpan(candidates - keep, keep));
    }

    private void KeepNucleus(Span<float> logits, double p)
    {
        logits.CopyTo(_weights);
        Probabilities.Softmax(_weights);
        // All tokens less probable than (1 - p) / V have less than 1 - p together, so none is in the nucleus: they need no sorting.
        int candidates = HeapCandidates((float)((1 - p) / logits.Length * 0.99));
        int keep = 0;
        for (double mass = 0; keep < candidates && mass < p; keep++)
            mass += _weights[TakeHeaviest(candidates - keep)];
        Keep(logits, _candidates.AsSpan(candidates - keep, keep));
    }

    /// <summary>
    /// Builds a max-heap of the tokens with a weight of at least <paramref name="floor" />. Few tokens are taken from many, and sorting
    /// all of them would cost far more than the softmax.
    /// </summary>
    private int HeapCandidates(float floor)
    {
        int count = 0;
        for (int token = 0; token < _weights.Length; token++)
        {
            if (_weights[token] >= floor)
                _candidates[count++] = token;
        }

        for (int parent = count / 2 - 1; parent >= 0; parent--)
            SiftDown(parent, count);
        return count;
    }

    /// <summary>
    /// Removes the heaviest token of a heap of <paramref name="count" /> tokens and stores it behind the rest of the heap.
    /// </summary>
    private int TakeHeaviest(int count)
    {
        int heaviest = _candidates[0];
        _candidates[0] = _candidates[count - 1];
        _candidates[count - 1] = heaviest;
        SiftDown(0, count - 1);
        return heaviest;
    }

    private void SiftDown(int parent, int count)
    {
        int token = _candidates[parent];
        for (int child = 2 * parent + 1; child < count; child = 2 * parent + 1)
        {
            if (child + 1 < count && IsHeavier(_candidates[child + 1], _candidates[child]))
                child++;
            if (!IsHeavier(_candidates[child], token))
                break;
            _candidates[parent] = _candidates[child];
            parent = child;
        }

        _candidates[parent] = token;
    }

    /// <summary>Of equal weights, the lower token comes first.</summary>
    private bool IsHeavier(int token, int other) =>
        _weights[token] > _weights[other] || (_weights[token] == _weights[other] && token < other);

    private void Keep(Span<float> logits, ReadOnlySpan<int> kept)
    {
        // The weights are not needed any more, so their buffer holds the logits of the kept tokens meanwhile.
        foreach (int token in kept)
            _weights[token] = logits[token];
        logits.Fill(float.NegativeInfinity);
        foreach (int token in kept)
            logits[token] = _weights[token];
    }
}
