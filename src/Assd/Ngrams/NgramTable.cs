using AsArm.Assd.Distributions;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// A corpus n-gram model with interpolated probabilities, p(x | u, v) = discounted(u, v, x) + backoffWeight(u, v) p(x | v), read in place
/// from the bytes of an ngrams.bin (docs/ngrams-format.md). All orders but the first are sparse.
/// </summary>
/// <remarks>
/// Immutable; safe for concurrent readers. Drafts only are drawn from it, so its errors cost forward passes, never exactness.
/// </remarks>
public sealed class NgramTable
{
    /// <summary>
    /// The default weight of a corpus against the sequence itself: that of ten successors of a token counted in the sequence.
    /// </summary>
    public const double DefaultCorpusWeight = 10;

    private readonly NgramLevel[] _levels;
    private readonly Lazy<NgramPredecessors>? _predecessors;

    private NgramTable(NgramLevel[] levels, int vocabularySize)
    {
        _levels = levels;
        _predecessors = levels.Length < 2 ? null : new(() => new NgramPredecessors(levels[0], levels[1]));
        VocabularySize = vocabularySize;
    }

    /// <summary>The number of tokens of the longest n-grams, 1 to 4.</summary>
    public int Order => _levels.Length;

    /// <summary>V; must be that of the model.</summary>
    public int VocabularySize { get; }

    /// <summary>Opens a table. The file is checked, and its memory is kept, not copied.</summary>
    /// <param name="file">All bytes of the file.</param>
    /// <exception cref="NgramTableException">Not an n-gram table, a damaged one, or one of another version.</exception>
    public static NgramTable Open(ReadOnlyMemory<byte> file)
    {
        NgramLevel[] levels = NgramFormat.Read(file, out int vocabularySize);
        return new(levels, vocabularySize);
    }

    /// <summary>p(token | context), interpolated from the longest listed suffix of the context.</summary>
    /// <param name="token">A token of the vocabulary.</param>
    /// <param name="context">The tokens to the left, in the order of the text; may be longer than the table uses, or empty.</param>
    /// <exception cref="ArgumentOutOfRangeException">The token is not in the vocabulary.</exception>
    public double Probability(int token, ReadOnlySpan<int> context)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, VocabularySize);
        double probability = Unigram(token);
        for (int length = 1; length <= Math.Min(context.Length, Order - 1); length++)
        {
            int ngram = FindContext(context[^length..]);
            if (ngram < 0)
                break;
            int found = _levels[length].Find(_levels[length - 1].RangeOf(ngram), token);
            double discounted = found < 0 ? 0 : NgramLevel.Value(_levels[length].DiscountedCodes[found]);
            probability = discounted + _levels[length - 1].BackoffWeight(ngram) * probability;
        }

        return probability;
    }

    /// <summary>The unigram probability p(token).</summary>
    internal double Unigram(int token) => NgramLevel.Value(_levels[0].DiscountedCodes[token]);

    /// <summary>Adds scale * p(token) to the value of each token.</summary>
    internal void AddUnigram(ReadOnlySpan<int> tokens, Span<double> values, double scale)
    {
        ReadOnlySpan<byte> codes = _levels[0].DiscountedCodes;
        for (int i = 0; i < tokens.Length; i++)
            values[i] += scale * NgramLevel.Value(codes[tokens[i]]);
    }

    /// <summary>
    /// Adds p(next | x) / p(next) - backoffWeight(x) for each listed predecessor x of a token; for all other x this is 0. See
    /// <see cref="BackoffWeight" />.
    /// </summary>
    /// <returns>False if the table has no bigrams, or p(next) is 0.</returns>
    internal bool CollectPredecessorRatios(int next, SparseWeights ratios)
    {
        double unigram = Unigram(next);
        if (_predecessors is null || unigram == 0)
            return false;
        _predecessors.Value.AddTo(ratios, next, 1 / unigram);
        return true;
    }

    /// <summary>The backoff weight of a token as a context.</summary>
    internal double BackoffWeight(int token) => _levels[0].BackoffWeight(token);

    /// <summary>
    /// Adds the discounted probabilities of the listed successors of a context to the weights, and returns the weight of the unigram
    /// backoff: scale * p(x | context) = weight(x) + unigramWeight * p(x), with p(x) = <see cref="Unigram" />.
    /// </summary>
    /// <param name="context">The tokens to the left, in the order of the text.</param>
    /// <param name="weights">The weights to add to.</param>
    /// <param name="scale">The factor on all probabilities.</param>
    /// <returns>The weight of the unigram backoff.</returns>
    internal double Collect(ReadOnlySpan<int> context, SparseWeights weights, double scale)
    {
        Span<int> contexts = stackalloc int[NgramFormat.MaxOrder];
        int depth = 0;
        while (depth < Math.Min(context.Length, Order - 1) && (contexts[depth] = FindContext(context[^(depth + 1)..])) >= 0)
            depth++;
        for (int length = depth; length > 0; length--)
        {
            Range range = _levels[length - 1].RangeOf(contexts[length - 1]);
            ReadOnlySpan<ushort> tokens = _levels[length].Tokens[range];
            ReadOnlySpan<byte> codes = _levels[length].DiscountedCodes[range];
            for (int i = 0; i < tokens.Length; i++)
                weights.Add(tokens[i], scale * NgramLevel.Value(codes[i]));
            scale *= _levels[length - 1].BackoffWeight(contexts[length - 1]);
        }

        return scale;
    }

    /// <summary>The index of the n-gram of exactly these tokens; -1 if it is not listed.</summary>
    private int FindContext(ReadOnlySpan<int> tokens)
    {
        int ngram = (uint)tokens[0] < (uint)VocabularySize ? tokens[0] : -1;
        for (int i = 1; i < tokens.Length && ngram >= 0; i++)
            ngram = _levels[i].Find(_levels[i - 1].RangeOf(ngram), tokens[i]);
        return ngram;
    }
}
