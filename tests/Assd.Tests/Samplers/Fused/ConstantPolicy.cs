using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;

namespace AsArm.Assd.Tests.Samplers.Fused;

/// <summary>Always the same source and draft query.</summary>
internal sealed class ConstantPolicy(DraftSource source, Conditional query) : IDraftPolicy
{
    public int MaxDraftTokens => 2;

    public int MaxDraftQueries => 1;

    public int Lookahead => 5;

    public DraftSource ChooseSource(IDraftView view) => source;

    public int AddDraftQueries(IDraftView view, Span<Conditional> queries)
    {
        queries[0] = query;
        return 1;
    }

    public void RecordAcceptance(DraftSource source, in DraftTarget target, double acceptance)
    {
    }
}
