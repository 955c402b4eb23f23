using System.Numerics.Tensors;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// A draft that knows its left neighbours: p~(x) = (weight(x) + share * tail(x)) / total, the weights those of the grams listed
/// after the known tokens on the left, times how well x leads to a known right neighbour. Prepared for one target at a time; the
/// same knowledge gives the same numbers, so a rejection can prepare it again instead of keeping V of them per draft token.
/// </summary>
internal sealed class NgramDraft
{
    /// <summary>
    /// A token without a listed gram leads to a given right neighbour more rarely than chance. Anything from 0.1 to 0.5 drafts
    /// alike.
    /// </summary>
    private const double UnlistedBeforeRight = 0.25;

    /// <summary>Where nothing is left for unlisted tokens, a product still needs a finite ratio.</summary>
    private const double MinBackoffWeight = 1e-4;

    /// <summary>A rare token that is listed can be likelier than unlisted by more than float32 holds.</summary>
    private const double MaxRatio = 1e30;

    private readonly NgramTable? _table;
    private readonly double _corpusWeight;
    private readonly UnigramBackoff _defaultBackoff;
    private readonly Dictionary<TokenSet, UnigramBackoff> _backoffs; // where more is banned
    private readonly SamplingOptions _options;
    private readonly SparseWeights _weights;
    private readonly SparseWeights _predecessorRatios;
    private readonly SparseWeights _others;
    private readonly int[] _context;
    private UnigramBackoff _backoff; // of the target that is prepared
    private double _unigramWeight;
    private double _total;

    /// <param name="table">Corpus n-grams; without them the sequence's own bigrams are all there is.</param>
    /// <param name="options">The draft is tempered as the distribution is, and never proposes banned tokens.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="corpusWeight">As many counts of the sequence's own the table is worth.</param>
    public NgramDraft(NgramTable? table, SamplingOptions options, int vocabularySize, double corpusWeight)
    {
        if (table is not null && table.VocabularySize != vocabularySize)
            throw new ArgumentException($"An n-gram table of {table.VocabularySize} tokens, the model has {vocabularySize}.", nameof(table));
        _table = table;
        _corpusWeight = corpusWeight;
        _options = options;
        _backoff = _defaultBackoff = new(table, options, null, vocabularySize);
        _backoffs = options.BannedTokensAt.Values.Distinct().ToDictionary(
            banned => banned, banned => new UnigramBackoff(table, options, banned, vocabularySize));
        _weights = new(vocabularySize);
        _predecessorRatios = new(table is null ? 0 : vocabularySize);
        _others = new(table is null ? 0 : vocabularySize);
        _context = new int[NgramFormat.MaxOrder];
    }

    /// <summary>Whether there are corpus n-grams.</summary>
    public bool HasTable => _table is not null;

    /// <summary>The largest probability; 0 where there is nothing to draw.</summary>
    public double Confidence { get; private set; }

    /// <summary>Makes the draft of a target.</summary>
    /// <param name="state">Order and tokens.</param>
    /// <param name="rank">The target.</param>
    /// <param name="knownBelow">Tokens of ranks below are used, decided or drafted.</param>
    /// <returns>False where there is nothing to draw from.</returns>
    public bool Prepare(SequenceState state, int rank, int knownBelow)
    {
        int position = state.Order.Positions[rank];
        ReadOnlySpan<int> context = LeftOf(state, position, knownBelow);
        _backoff = _options.BannedAt(position) is TokenSet banned ? _backoffs[banned] : _defaultBackoff;
        _weights.Clear();
        _unigramWeight = 0;
        double own = context.IsEmpty ? 0 : ContextCounts.Successors(state, knownBelow, context[^1]);
        if (_table is null && own == 0)
            ContextCounts.AddAll(state, knownBelow, _weights, 1);
        if (own > 0)
            ContextCounts.AddSuccessors(state, knownBelow, context[^1], _weights, 1 / (own + (_table is null ? 0 : _corpusWeight)));
        if (_table is not null)
            _unigramWeight = _table.Collect(context, _weights, _corpusWeight / (own + _corpusWeight));
        int right = position + 1;
        bool hasRight = right < state.Order.Length && state.Order.Ranks[right] < knownBelow;
        Finish(hasRight ? state.Tokens[right] : null);
        return _total > 0;
    }

    /// <summary>Draws a token; never one of probability zero.</summary>
    /// <param name="uniform">Uniform in [0, 1).</param>
    public int Draw(double uniform)
    {
        double goal = uniform * _total, cumulative = 0;
        int last = -1;
        for (int i = 0; i < _weights.Tokens.Length; i++)
        {
            double weight = _weights.Weights[i];
            if (weight == 0)
                continue;
            cumulative += weight;
            last = _weights.Tokens[i];
            if (cumulative > goal)
                return last;
        }

        return _unigramWeight * _backoff.Total > 0 ? _backoff.Find((goal - cumulative) / _unigramWeight) : last;
    }

    /// <summary>p~ of a token.</summary>
    public double Probability(int token) => (_weights[token] + _unigramWeight * _backoff.Weights[token]) / _total;

    /// <summary>Subtracts p~ from residual [V].</summary>
    public void SubtractFrom(Span<double> residual)
    {
        TensorPrimitives.MultiplyAdd(_backoff.Weights, -_unigramWeight / _total, residual, residual);
        for (int i = 0; i < _weights.Tokens.Length; i++)
            residual[_weights.Tokens[i]] -= _weights.Weights[i] / _total;
    }

    /// <summary>
    /// The draft times what a row of the network knows beyond n-grams, p~(x) sqrt(r(x) / b(x)) up to a factor. What n-grams say without a
    /// left neighbour, b, is taken out of the row, or what they say after a token that has turned out wrong. On the default model powers from
    /// 0.3 to 0.6 draft alike, and 0, which is p~ alone, and 1 keep a tenth less.
    /// </summary>
    /// <param name="row">r [V], a distribution that has not seen the left neighbour.</param>
    /// <param name="rejected">The token that it has seen there instead, -1 for none.</param>
    /// <param name="weights">[V] the result. Without a table there is nothing to multiply with: the row itself.</param>
    public void WriteProduct(ReadOnlySpan<float> row, int rejected, Span<float> weights)
    {
        if (_table is null)
        {
            row.CopyTo(weights);
            return;
        }

        TensorPrimitives.Multiply(row, _backoff.Float32Weights, weights);
        TensorPrimitives.Sqrt(weights, weights);
        ScaleListed(weights);
        if (rejected < 0)
            return;
        _others.Clear();
        _context[0] = rejected;
        DivideByRejected(_table, _table.Collect(_context.AsSpan(0, 1), _others, 1), weights);
    }

    /// <summary>Multiplies the listed tokens by how much more likely they are than if they were not.</summary>
    private void ScaleListed(Span<float> weights)
    {
        double share = Math.Max(_unigramWeight, MinBackoffWeight);
        for (int i = 0; i < _weights.Tokens.Length; i++)
        {
            int token = _weights.Tokens[i];
            double unlisted = share * _backoff.Weights[token];
            if (unlisted > 0)
                weights[token] *= (float)Math.Min(1 + _weights.Weights[i] / unlisted, MaxRatio);
        }
    }

    /// <summary>Divides by the root of how much more likely the listed tokens are after the rejected one, at the distribution's temperature.</summary>
    private void DivideByRejected(NgramTable table, double share, Span<float> weights)
    {
        share = Math.Max(share, MinBackoffWeight);
        double power = -0.5 * _backoff.Exponent;
        for (int i = 0; i < _others.Tokens.Length; i++)
        {
            int token = _others.Tokens[i];
            double unlisted = share * table.Unigram(token);
            if (unlisted > 0)
                weights[token] *= (float)Math.Pow(1 + _others.Weights[i] / unlisted, power);
        }
    }

    /// <summary>Weights right neighbour, temperature and bans into the weights, and sums them up.</summary>
    private void Finish(int? right)
    {
        ReadOnlySpan<int> tokens = _weights.Tokens;
        Span<double> weights = _weights.Weights;
        if (right is not null || _backoff.Exponent != 1)
            Transform(tokens, weights, right);
        ReadOnlySpan<double> tail = _backoff.Weights;
        double sum = 0, largest = _unigramWeight * _backoff.Largest;
        for (int i = 0; i < tokens.Length; i++)
        {
            if (_backoff.IsBanned(tokens[i]))
                weights[i] = 0;
            sum += weights[i];
            largest = Math.Max(largest, weights[i] + _unigramWeight * tail[tokens[i]]);
        }

        _total = sum + _unigramWeight * _backoff.Total;
        Confidence = _total > 0 ? largest / _total : 0;
    }

    /// <summary>From what the grams own to whole probabilities, these to their new values, and back to what exceeds the tail.</summary>
    private void Transform(ReadOnlySpan<int> tokens, Span<double> weights, int? right)
    {
        double share = _unigramWeight;
        _table?.AddUnigram(tokens, weights, share);
        if (right is int next && _table is not null && MultiplyByPredecessorRatios(_table, tokens, weights, next))
            share *= UnlistedBeforeRight;
        share = Math.Pow(share, _backoff.Exponent);
        if (_backoff.Exponent != 1)
            Power(weights, _backoff.Exponent);
        ReadOnlySpan<double> tail = _backoff.Weights;
        for (int i = 0; i < tokens.Length; i++)
            weights[i] = Math.Max(weights[i] - share * tail[tokens[i]], 0);
        _unigramWeight = share;
    }

    /// <summary>Multiplies the value of each token by p(next | token) / p(next): how well the token leads to the next.</summary>
    /// <returns>False where the table cannot tell.</returns>
    private bool MultiplyByPredecessorRatios(NgramTable table, ReadOnlySpan<int> tokens, Span<double> values, int next)
    {
        _predecessorRatios.Clear();
        if (!table.CollectPredecessorRatios(next, _predecessorRatios))
            return false;
        for (int i = 0; i < tokens.Length; i++)
            values[i] *= table.BackoffWeight(tokens[i]) + _predecessorRatios[tokens[i]];
        return true;
    }

    /// <summary>In three passes with vectors, which the library's own power of float64 is without.</summary>
    private static void Power(Span<double> values, double exponent)
    {
        TensorPrimitives.Log<double>(values, values);
        TensorPrimitives.Multiply(values, exponent, values);
        TensorPrimitives.Exp<double>(values, values);
    }

    /// <summary>The known tokens that end right before a position, in the order of the text.</summary>
    private ReadOnlySpan<int> LeftOf(SequenceState state, int position, int knownBelow)
    {
        int longest = Math.Max(1, (_table?.Order ?? 2) - 1);
        int count = 0;
        while (count < Math.Min(longest, position) && state.Order.Ranks[position - count - 1] < knownBelow)
        {
            count++;
            _context[^count] = state.Tokens[position - count];
        }

        return _context.AsSpan(_context.Length - count);
    }
}
