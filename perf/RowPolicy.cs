using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;

namespace AsArm.Perf;

/// <summary>Up to k draft tokens from rows of earlier passes, as they are or by the draft head, and draft queries for each outcome; no n-grams.</summary>
internal sealed class RowPolicy(DraftSource source, int draftTokens) : IDraftPolicy
{
    private readonly FixedDraftPolicy _fixed = new(source, draftTokens, draftTokens);

    public int MaxDraftTokens => draftTokens;

    public int MaxDraftQueries => _fixed.MaxDraftQueries;

    public int Lookahead => _fixed.Lookahead;

    public DraftSource ChooseSource(IDraftView view)
    {
        DraftTarget target = view.Target(view.Committed + view.Drafted);
        return (source == DraftSource.Head ? target.HasHead : target.NetworkNeighbours is not null) ? source : DraftSource.None;
    }

    public int AddDraftQueries(IDraftView view, Span<Conditional> queries) => _fixed.AddDraftQueries(view, queries);

    public void RecordAcceptance(DraftSource source, in DraftTarget target, double acceptance)
    {
    }
}
