using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// A draft policy that does the same in every speculation step: k draft tokens from one source, and draft queries for every possible number
/// of accepted ones.
/// </summary>
/// <remarks>For tests and measurements; without draft tokens it is sequential decoding.</remarks>
public sealed class FixedDraftPolicy : IDraftPolicy
{
    private readonly DraftSource _source;
    private readonly int _queriesPerOutcome;

    /// <summary>Creates the policy.</summary>
    /// <param name="source">
    /// The source of draft tokens. If a target does not have it, Product and Head fall back to Ngram, and Ngram to none.
    /// </param>
    /// <param name="draftTokens">k, the number of draft tokens of a speculation step.</param>
    /// <param name="queriesPerOutcome">
    /// The number of draft queries for each number j = 0..k of accepted draft tokens: ranks n+j+1, n+j+2, ..., with horizon n+j.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public FixedDraftPolicy(DraftSource source, int draftTokens, int queriesPerOutcome = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(draftTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(queriesPerOutcome);
        _source = source;
        _queriesPerOutcome = queriesPerOutcome;
        MaxDraftTokens = draftTokens;
        MaxDraftQueries = checked((draftTokens + 1) * queriesPerOutcome);
    }

    /// <inheritdoc />
    public int MaxDraftTokens { get; }

    /// <inheritdoc />
    public int MaxDraftQueries { get; }

    /// <inheritdoc />
    public int Lookahead => _source == DraftSource.Ngram && _queriesPerOutcome == 0 ? 0 : MaxDraftTokens + _queriesPerOutcome + 1;

    /// <inheritdoc />
    public DraftSource ChooseSource(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        view.MakeNgramDraft();
        DraftTarget target = view.Target(view.Committed + view.Drafted);
        if (_source == DraftSource.Head ? target.HasHead : _source != DraftSource.Ngram && target.NetworkNeighbours is not null)
            return _source;
        if (_source != DraftSource.Network && target.NgramConfidence > 0)
            return DraftSource.Ngram;
        return DraftSource.None;
    }

    /// <inheritdoc />
    public int AddDraftQueries(IDraftView view, Span<Conditional> queries)
    {
        ArgumentNullException.ThrowIfNull(view);
        int count = 0;
        for (int accepted = 0; accepted <= view.Drafted; accepted++)
        {
            int horizon = view.Committed + accepted;
            for (int rank = horizon + 1; rank <= Math.Min(horizon + _queriesPerOutcome, view.Length - 2); rank++)
                queries[count++] = new(rank, horizon);
        }

        return count;
    }

    /// <inheritdoc />
    public void RecordAcceptance(DraftSource source, in DraftTarget target, double acceptance)
    {
    }
}
