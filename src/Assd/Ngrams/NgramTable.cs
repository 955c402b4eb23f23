using AsArm.Assd.Distributions;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// Corpus n-grams from which drafts are drawn: interpolated probabilities p(x | u, v) = own(u, v, x) + passedOn(u, v) p(x | v),
/// read in place from the bytes of an ngrams.bin (docs/ngrams-format.md). Nothing is dense but order 1, and only the bigrams by their
/// second token are copied, when they are first asked for.
/// </summary>
/// <remarks>Immutable; safe for concurrent readers. A table only proposes, so its errors cost calls, never exactness.</remarks>
public sealed class NgramTable
{
    /// <summary>What a corpus is taken to be worth where nobody measured it: as much as ten tokens that followed another in the sequence itself.</summary>
    public const double DefaultCorpusWeight = 10;

    private readonly NgramLevel[] _levels;
    private readonly Lazy<NgramPredecessors>? _predecessors;

    private NgramTable(NgramLevel[] levels, int vocabularySize)
    {
        _levels = levels;
        _predecessors = levels.Length < 2 ? null : new(() => new NgramPredecessors(levels[0], levels[1]));
        VocabularySize = vocabularySize;
    }

    /// <summary>Tokens in the longest gram, 1 to 4.</summary>
    public int Order => _levels.Length;

    /// <summary>V; must be the model's.</summary>
    public int VocabularySize { get; }

    /// <summary>Checks every byte that a later look-up relies on. The memory is kept, not copied.</summary>
    /// <param name="file">The whole file.</param>
    /// <exception cref="NgramTableException">Not such a file, damaged, or of another version.</exception>
    public static NgramTable Open(ReadOnlyMemory<byte> file)
    {
        NgramLevel[] levels = NgramFormat.Read(file, out int vocabularySize);
        return new(levels, vocabularySize);
    }

    /// <summary>p(token | context), interpolated over the longest suffix of the context that is listed.</summary>
    /// <param name="token">A token of the vocabulary.</param>
    /// <param name="context">Tokens to the left, in the order of the text; as many as there are.</param>
    /// <exception cref="ArgumentOutOfRangeException">No token of the vocabulary.</exception>
    public double Probability(int token, ReadOnlySpan<int> context)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, VocabularySize);
        double probability = Unigram(token);
        for (int length = 1; length <= Math.Min(context.Length, Order - 1); length++)
        {
            int gram = FindContext(context[^length..]);
            if (gram < 0)
                break;
            int found = _levels[length].Find(_levels[length - 1].After(gram), token);
            double own = found < 0 ? 0 : NgramLevel.Value(_levels[length].Discounted[found]);
            probability = own + _levels[length - 1].BackoffWeight(gram) * probability;
        }

        return probability;
    }

    /// <summary>p(token) without any context.</summary>
    internal double Unigram(int token) => NgramLevel.Value(_levels[0].Discounted[token]);

    /// <summary>Adds a share of p(token) to the value of each token.</summary>
    internal void AddUnigram(ReadOnlySpan<int> tokens, Span<double> values, double share)
    {
        ReadOnlySpan<byte> single = _levels[0].Discounted;
        for (int i = 0; i < tokens.Length; i++)
            values[i] += share * NgramLevel.Value(single[tokens[i]]);
    }

    /// <summary>
    /// Weighs each token x by how much more often than by chance it leads to another, p(next | x) / p(next), less the share of x that is
    /// chance, <see cref="BackoffWeight" />: zero but for the tokens that are listed before it.
    /// </summary>
    /// <returns>False where the table cannot tell, having no bigrams or not that token.</returns>
    internal bool CollectPredecessorRatios(int next, SparseWeights ratios)
    {
        double single = Unigram(next);
        if (_predecessors is null || single == 0)
            return false;
        _predecessors.Value.AddTo(ratios, next, 1 / single);
        return true;
    }

    /// <summary>The share of a token's successors that is chance.</summary>
    internal double BackoffWeight(int token) => _levels[0].BackoffWeight(token);

    /// <summary>
    /// Adds what the listed grams own to the weights, and says which share is left for <see cref="Unigram" />: p(x | context) is
    /// weight(x) + share * p(x).
    /// </summary>
    /// <param name="context">Tokens to the left, in the order of the text.</param>
    /// <param name="weights">Takes the weights.</param>
    /// <param name="scale">Everything is multiplied by it.</param>
    internal double Collect(ReadOnlySpan<int> context, SparseWeights weights, double scale)
    {
        Span<int> contexts = stackalloc int[NgramFormat.MaxOrder];
        int depth = 0;
        while (depth < Math.Min(context.Length, Order - 1) && (contexts[depth] = FindContext(context[^(depth + 1)..])) >= 0)
            depth++;
        for (int length = depth; length > 0; length--)
        {
            Range after = _levels[length - 1].After(contexts[length - 1]);
            ReadOnlySpan<ushort> tokens = _levels[length].Tokens[after];
            ReadOnlySpan<byte> own = _levels[length].Discounted[after];
            for (int i = 0; i < tokens.Length; i++)
                weights.Add(tokens[i], scale * NgramLevel.Value(own[i]));
            scale *= _levels[length - 1].BackoffWeight(contexts[length - 1]);
        }

        return scale;
    }

    /// <summary>The gram of exactly these tokens; -1 if it is not listed.</summary>
    private int FindContext(ReadOnlySpan<int> tokens)
    {
        int gram = (uint)tokens[0] < (uint)VocabularySize ? tokens[0] : -1;
        for (int i = 1; i < tokens.Length && gram >= 0; i++)
            gram = _levels[i].Find(_levels[i - 1].After(gram), tokens[i]);
        return gram;
    }
}
