using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;

namespace AsArm.Assd.Tests.Samplers.Fused;

/// <summary>Decides by functions, and records what it is told.</summary>
internal sealed class ScriptedPolicy : IDraftPolicy
{
    public int MaxDraftTokens { get; init; } = 2;

    public int MaxDraftQueries { get; init; }

    public int Lookahead { get; init; } = 5;

    public Func<IDraftView, DraftSource> Source { get; init; } = _ => DraftSource.None;

    public Func<IDraftView, Conditional[]> Queries { get; init; } = _ => [];

    public List<(DraftSource Source, double Acceptance)> Recorded { get; } = [];

    public DraftSource ChooseSource(IDraftView view) => Source(view);

    public int AddDraftQueries(IDraftView view, Span<Conditional> queries)
    {
        Conditional[] added = Queries(view);
        added.CopyTo(queries);
        return added.Length;
    }

    public void RecordAcceptance(DraftSource source, in DraftTarget target, double acceptance) => Recorded.Add((source, acceptance));
}
