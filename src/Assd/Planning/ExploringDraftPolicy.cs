using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Planning;

/// <summary>
/// A draft policy that measures: it proposes from every source that a target has by turns of a random number of its own, drafts rows ahead at
/// random, and writes down how each examined draft token did, those included that no plan would choose. The samples are exact, as
/// with any plan.
/// </summary>
/// <param name="tally">Takes the acceptance of what was examined; plans of several sequences of one loop may share it.</param>
/// <param name="random">The plan's own, so that what it does is independent of the tokens drawn.</param>
public sealed class ExploringDraftPolicy(DraftAcceptanceTally tally, IRandomSource random) : IDraftPolicy
{
    private const int NetworkDrafts = 4;
    private const double GoesOn = 0.5;

    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product];

    private readonly List<DraftSource> _available = [];

    /// <inheritdoc />
    public int MaxDraftTokens => 4;

    /// <inheritdoc />
    public int MaxDraftQueries => NetworkDrafts;

    /// <inheritdoc />
    public int Reach => MaxDraftTokens + 2 * NetworkDrafts;

    /// <inheritdoc />
    public DraftSource Choose(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        if (view.Drafted > 0 && random.NextDouble() >= GoesOn)
            return DraftSource.None;
        view.MakeNgramDraft();
        DraftTarget target = view.Target(view.Committed + view.Drafted);
        _available.Clear();
        foreach (DraftSource source in s_sources)
        {
            if (IsThere(source, target, view.HasCorpus))
                _available.Add(source);
        }

        return _available.Count == 0 ? DraftSource.None : _available[(int)(random.NextDouble() * _available.Count)];
    }

    /// <inheritdoc />
    public int AddDraftQueries(IDraftView view, Span<Conditional> rows)
    {
        ArgumentNullException.ThrowIfNull(view);
        int count = 0, last = Math.Min(view.Length - 1, view.Committed + Reach);
        for (int rank = view.Committed + view.Drafted + 1; rank < last && count < rows.Length; rank++)
        {
            if (view.Target(rank).NetworkNeighbours is null && random.NextDouble() < 0.5)
                rows[count++] = new(rank, view.Committed);
        }

        return count;
    }

    /// <inheritdoc />
    public void Learn(DraftSource source, in DraftTarget target, double acceptance) => tally.Add(source, target, acceptance);

    /// <summary>Without a corpus n-grams are those of the sequence, which are measured apart.</summary>
    private static bool IsThere(DraftSource source, in DraftTarget target, bool hasCorpus) => source switch
    {
        DraftSource.Ngram => hasCorpus && target.NgramConfidence > 0,
        DraftSource.Product => hasCorpus && target.NgramConfidence > 0 && target.NetworkNeighbours is Neighbours sees && (sees & Neighbours.Left) == 0,
        _ => target.NetworkNeighbours is not null,
    };
}
