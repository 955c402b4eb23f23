using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>The same in every speculation step: k draft tokens from one source, and tails of draft queries for chosen outcomes.</summary>
/// <remarks>For tests and measurements, and, without draft tokens, for sequential decoding.</remarks>
public sealed class FixedDraftPolicy : IDraftPolicy
{
    private readonly DraftSource _source;
    private readonly int _backoff;

    /// <summary>A plan that never changes.</summary>
    /// <param name="source">Draft tokens come from it where it is there, else from n-grams, else from the network's row.</param>
    /// <param name="draftTokens">k, the draft tokens of a speculation step.</param>
    /// <param name="tail">Draft queries for each outcome j = 0..k: ranks n+j+1..n+j+tail, seeing the first j draft tokens.</param>
    public FixedDraftPolicy(DraftSource source, int draftTokens, int tail = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(draftTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(tail);
        _source = source;
        _backoff = tail;
        MaxDraftTokens = draftTokens;
        MaxDraftQueries = checked((draftTokens + 1) * tail);
    }

    /// <inheritdoc />
    public int MaxDraftTokens { get; }

    /// <inheritdoc />
    public int MaxDraftQueries { get; }

    /// <inheritdoc />
    public int Reach => _source == DraftSource.Ngram && _backoff == 0 ? 0 : MaxDraftTokens + _backoff + 1;

    /// <inheritdoc />
    public DraftSource Choose(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        view.MakeNgramDraft();
        DraftTarget target = view.Target(view.Committed + view.Drafted);
        if (_source != DraftSource.Ngram && target.NetworkNeighbours is not null)
            return _source;
        if (_source != DraftSource.Network && target.NgramConfidence > 0)
            return DraftSource.Ngram;
        return DraftSource.None;
    }

    /// <inheritdoc />
    public int AddDraftQueries(IDraftView view, Span<Conditional> rows)
    {
        ArgumentNullException.ThrowIfNull(view);
        int count = 0;
        for (int outcome = 0; outcome <= view.Drafted; outcome++)
        {
            int horizon = view.Committed + outcome;
            for (int rank = horizon + 1; rank <= Math.Min(horizon + _backoff, view.Length - 2); rank++)
                rows[count++] = new(rank, horizon);
        }

        return count;
    }

    /// <inheritdoc />
    public void Learn(DraftSource source, in DraftTarget target, double acceptance)
    {
    }
}
