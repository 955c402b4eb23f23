using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Planning;

/// <summary>
/// A draft policy for measurements: it chooses among the available sources and adds draft queries at random, and records the acceptance of
/// every verified draft token, of unprofitable ones too. The samples are exact, as with any policy.
/// </summary>
/// <param name="tally">Collects the acceptance of verified draft tokens; the policies of all sequences of a loop may share it.</param>
/// <param name="random">A source of the policy's own, so that its choices are independent of the tokens drawn.</param>
public sealed class ExploringDraftPolicy(DraftAcceptanceTally tally, IRandomSource random) : IDraftPolicy
{
    private const double ContinueProbability = 0.5;

    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product, DraftSource.Head];

    private readonly List<DraftSource> _available = [];

    /// <inheritdoc />
    public int MaxDraftTokens => 4;

    /// <inheritdoc />
    public int MaxDraftQueries => 4;

    /// <inheritdoc />
    public int Lookahead => MaxDraftTokens + 2 * MaxDraftQueries;

    /// <inheritdoc />
    public DraftSource ChooseSource(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        if (view.Drafted > 0 && random.NextDouble() >= ContinueProbability)
            return DraftSource.None;
        view.MakeNgramDraft();
        DraftTarget target = view.Target(view.Committed + view.Drafted);
        _available.Clear();
        foreach (DraftSource source in s_sources)
        {
            if (IsAvailable(source, target, view.HasCorpus))
                _available.Add(source);
        }

        return _available.Count == 0 ? DraftSource.None : _available[(int)(random.NextDouble() * _available.Count)];
    }

    /// <inheritdoc />
    public int AddDraftQueries(IDraftView view, Span<Conditional> queries)
    {
        ArgumentNullException.ThrowIfNull(view);
        int count = 0, last = Math.Min(view.Length - 1, view.Committed + Lookahead);
        for (int rank = view.Committed + view.Drafted + 1; rank < last && count < queries.Length; rank++)
        {
            if (view.Target(rank).NetworkNeighbours is null && random.NextDouble() < 0.5)
                queries[count++] = new(rank, view.Committed);
        }

        return count;
    }

    /// <inheritdoc />
    public void RecordAcceptance(DraftSource source, in DraftTarget target, double acceptance) => tally.Add(source, target, acceptance);

    /// <summary>Without a corpus, n-grams are the sequence's own bigrams, which are measured separately.</summary>
    private static bool IsAvailable(DraftSource source, in DraftTarget target, bool hasCorpus) => source switch
    {
        DraftSource.Ngram => hasCorpus && target.NgramConfidence > 0,
        DraftSource.Product => hasCorpus && target.NgramConfidence > 0 && target.NetworkNeighbours is Neighbours visible && (visible & Neighbours.Left) == 0,
        DraftSource.Head => target.HasHead,
        _ => target.NetworkNeighbours is not null,
    };
}
