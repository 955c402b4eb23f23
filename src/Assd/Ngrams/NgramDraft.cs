using System.Numerics.Tensors;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// The n-gram draft p~(x) = (weight(x) + unigramWeight * backoff(x)) / total of one target. The weights are those of the n-grams that
/// follow the known tokens on the left, adjusted by how well x predicts a known right neighbour. The same known tokens give the same
/// numbers bit by bit, so that the residual of a rejected draft token can be computed from a second preparation instead of V kept
/// probabilities.
/// </summary>
internal sealed class NgramDraft
{
    /// <summary>
    /// The factor on unlisted tokens before a known right neighbour: they precede it more rarely than by chance. Acceptance is about the
    /// same from 0.1 to 0.5.
    /// </summary>
    private const double UnlistedBeforeRight = 0.25;

    /// <summary>The least backoff weight in products, where it is a divisor.</summary>
    private const double MinBackoffWeight = 1e-4;

    /// <summary>The largest ratio of a listed token to its backoff in products: that of a rare token can exceed float32.</summary>
    private const double MaxRatio = 1e30;

    private readonly NgramTable? _table;
    private readonly double _corpusWeight;
    private readonly UnigramBackoff _defaultBackoff;
    private readonly Dictionary<TokenSet, UnigramBackoff> _backoffs; // of positions with further bans
    private readonly SamplingOptions _options;
    private readonly SparseWeights _weights;
    private readonly SparseWeights _predecessorRatios;
    private readonly SparseWeights _rejectedSuccessors;
    private readonly int[] _context;
    private UnigramBackoff _backoff; // of the prepared target
    private double _unigramWeight;
    private double _total;

    /// <param name="table">Corpus n-grams; null drafts from the sequence's own bigrams.</param>
    /// <param name="options">Temperature and bans apply to the draft too.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="corpusWeight">The weight of the corpus against the sequence, in successors of a token counted in the sequence.</param>
    public NgramDraft(NgramTable? table, SamplingOptions options, int vocabularySize, double corpusWeight)
    {
        if (table is not null && table.VocabularySize != vocabularySize)
            throw new ArgumentException($"The n-gram table has a vocabulary of {table.VocabularySize} tokens, the model one of {vocabularySize}.", nameof(table));
        _table = table;
        _corpusWeight = corpusWeight;
        _options = options;
        _backoff = _defaultBackoff = new(table, options, null, vocabularySize);
        _backoffs = options.BannedTokensAt.Values.Distinct().ToDictionary(
            banned => banned, banned => new UnigramBackoff(table, options, banned, vocabularySize));
        _weights = new(vocabularySize);
        _predecessorRatios = new(table is null ? 0 : vocabularySize);
        _rejectedSuccessors = new(table is null ? 0 : vocabularySize);
        _context = new int[NgramFormat.MaxOrder];
    }

    /// <summary>Whether there are corpus n-grams.</summary>
    public bool HasTable => _table is not null;

    /// <summary>The largest probability of the draft; 0 if there is no draft.</summary>
    public double Confidence { get; private set; }

    /// <summary>Computes the draft of a target.</summary>
    /// <param name="state">Order and tokens.</param>
    /// <param name="rank">The target.</param>
    /// <param name="knownBelow">Only tokens of ranks below are used, committed or drafted.</param>
    /// <returns>False if there is no token to draw.</returns>
    public bool Prepare(SequenceState state, int rank, int knownBelow)
    {
        int position = state.Order.Positions[rank];
        ReadOnlySpan<int> context = LeftOf(state, position, knownBelow);
        _backoff = _options.BannedAt(position) is TokenSet banned ? _backoffs[banned] : _defaultBackoff;
        _weights.Clear();
        _unigramWeight = 0;
        double successors = context.IsEmpty ? 0 : ContextCounts.Successors(state, knownBelow, context[^1]);
        if (_table is null && successors == 0)
            ContextCounts.AddAll(state, knownBelow, _weights, 1);
        if (successors > 0)
            ContextCounts.AddSuccessors(state, knownBelow, context[^1], _weights, 1 / (successors + (_table is null ? 0 : _corpusWeight)));
        if (_table is not null)
            _unigramWeight = _table.Collect(context, _weights, _corpusWeight / (successors + _corpusWeight));
        int right = position + 1;
        bool hasRight = right < state.Order.Length && state.Order.Ranks[right] < knownBelow;
        Complete(hasRight ? state.Tokens[right] : null);
        return _total > 0;
    }

    /// <summary>Draws a token from the prepared draft; never one of probability zero.</summary>
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
    /// Writes the product of the draft and a row of the network, p~(x) sqrt(r(x) / b(x)) up to a factor. b is what n-grams say about x
    /// without the left neighbour, or after the rejected token that the row has seen in its place. With the default model, acceptance is
    /// about the same for powers from 0.3 to 0.6, and a tenth less for 0 (p~ alone) and 1.
    /// </summary>
    /// <param name="row">r [V], probabilities that have not seen the left neighbour.</param>
    /// <param name="rejected">The rejected token that the row has seen as its left neighbour, or -1.</param>
    /// <param name="weights">[V] the result, unnormalised; without a table, the row itself.</param>
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
        _rejectedSuccessors.Clear();
        _context[0] = rejected;
        DivideByRejected(_table, _table.Collect(_context.AsSpan(0, 1), _rejectedSuccessors, 1), weights);
    }

    /// <summary>p~(x) / backoff(x) of the prepared draft, up to a factor; 1 for a token that is not listed or banned.</summary>
    public double Odds(int token) => Odds(token, _weights[token]);

    /// <summary>Appends the listed tokens that have at least this probability without the backoff.</summary>
    public void AddLikely(double probability, List<int> tokens)
    {
        for (int i = 0; i < _weights.Tokens.Length; i++)
        {
            if (_weights.Weights[i] >= probability * _total)
                tokens.Add(_weights.Tokens[i]);
        }
    }

    /// <summary>Multiplies the weights of listed tokens by p~(x) / backoff(x), up to a factor.</summary>
    private void ScaleListed(Span<float> weights)
    {
        for (int i = 0; i < _weights.Tokens.Length; i++)
            weights[_weights.Tokens[i]] *= (float)Odds(_weights.Tokens[i], _weights.Weights[i]);
    }

    private double Odds(int token, double weight)
    {
        double unlisted = Math.Max(_unigramWeight, MinBackoffWeight) * _backoff.Weights[token];
        return unlisted > 0 ? Math.Min(1 + weight / unlisted, MaxRatio) : 1;
    }

    /// <summary>
    /// Divides the weights of tokens that are listed after the rejected one by the square root of p(x | rejected) / p(x), up to a factor
    /// and at the temperature of the draft.
    /// </summary>
    private void DivideByRejected(NgramTable table, double backoffWeight, Span<float> weights)
    {
        backoffWeight = Math.Max(backoffWeight, MinBackoffWeight);
        double power = -0.5 * _backoff.Exponent;
        for (int i = 0; i < _rejectedSuccessors.Tokens.Length; i++)
        {
            int token = _rejectedSuccessors.Tokens[i];
            double unlisted = backoffWeight * table.Unigram(token);
            if (unlisted > 0)
                weights[token] *= (float)Math.Pow(1 + _rejectedSuccessors.Weights[i] / unlisted, power);
        }
    }

    /// <summary>Applies right neighbour, temperature and bans to the weights, and computes total and confidence.</summary>
    private void Complete(int? right)
    {
        ReadOnlySpan<int> tokens = _weights.Tokens;
        Span<double> weights = _weights.Weights;
        if (right is not null || _backoff.Exponent != 1)
            Transform(tokens, weights, right);
        ReadOnlySpan<double> backoff = _backoff.Weights;
        double sum = 0, largest = _unigramWeight * _backoff.MaxWeight;
        for (int i = 0; i < tokens.Length; i++)
        {
            if (_backoff.IsBanned(tokens[i]))
                weights[i] = 0;
            sum += weights[i];
            largest = Math.Max(largest, weights[i] + _unigramWeight * backoff[tokens[i]]);
        }

        _total = sum + _unigramWeight * _backoff.Total;
        Confidence = _total > 0 ? largest / _total : 0;
    }

    /// <summary>
    /// Adds the unigram backoff to the weights, transforms the resulting probabilities, and subtracts the transformed backoff again.
    /// </summary>
    private void Transform(ReadOnlySpan<int> tokens, Span<double> weights, int? right)
    {
        double unigramWeight = _unigramWeight;
        _table?.AddUnigram(tokens, weights, unigramWeight);
        if (right is int next && _table is not null && MultiplyByPredecessorRatios(_table, tokens, weights, next))
            unigramWeight *= UnlistedBeforeRight;
        unigramWeight = Math.Pow(unigramWeight, _backoff.Exponent);
        if (_backoff.Exponent != 1)
            Power(weights, _backoff.Exponent);
        ReadOnlySpan<double> backoff = _backoff.Weights;
        for (int i = 0; i < tokens.Length; i++)
            weights[i] = Math.Max(weights[i] - unigramWeight * backoff[tokens[i]], 0);
        _unigramWeight = unigramWeight;
    }

    /// <summary>Multiplies the value of each token by p(next | token) / p(next): how well the token predicts its right neighbour.</summary>
    /// <returns>False if the table has no such ratios.</returns>
    private bool MultiplyByPredecessorRatios(NgramTable table, ReadOnlySpan<int> tokens, Span<double> values, int next)
    {
        _predecessorRatios.Clear();
        if (!table.CollectPredecessorRatios(next, _predecessorRatios))
            return false;
        for (int i = 0; i < tokens.Length; i++)
            values[i] *= table.BackoffWeight(tokens[i]) + _predecessorRatios[tokens[i]];
        return true;
    }

    /// <summary>As exp(exponent * log(x)), since TensorPrimitives.Pow is not vectorised for float64.</summary>
    private static void Power(Span<double> values, double exponent)
    {
        TensorPrimitives.Log<double>(values, values);
        TensorPrimitives.Multiply(values, exponent, values);
        TensorPrimitives.Exp<double>(values, values);
    }

    /// <summary>The known tokens directly before a position, in the order of the text.</summary>
    private ReadOnlySpan<int> LeftOf(SequenceState state, int position, int knownBelow)
    {
        int maxLength = Math.Max(1, (_table?.Order ?? 2) - 1);
        int count = 0;
        while (count < Math.Min(maxLength, position) && state.Order.Ranks[position - count - 1] < knownBelow)
        {
            count++;
            _context[^count] = state.Tokens[position - count];
        }

        return _context.AsSpan(_context.Length - count);
    }
}
