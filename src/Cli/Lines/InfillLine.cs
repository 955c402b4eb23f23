using AsArm.Cli.Options;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Lines;

/// <summary>A line of an input file on its way to its line of the output.</summary>
internal sealed class InfillLine(long number)
{
    /// <summary>From 1.</summary>
    public long Number => number;

    /// <summary>The value of "id" as it was written; null without one.</summary>
    public string? Id { get; set; }

    /// <summary>Why the line cannot be filled; null for a good one.</summary>
    public string? Error { get; set; }

    /// <summary>One, or as many as there are samples; none for a bad line.</summary>
    public IReadOnlyList<InfillRequest> Requests { get; set; } = [];

    /// <summary>Characters of all its requests together.</summary>
    public long Characters { get; set; }

    /// <summary>Whether the line asked for samples.</summary>
    public bool HasSamples { get; set; }

    /// <summary>Outcomes of the requests so far, in their order.</summary>
    public List<InfillOutcome> Outcomes { get; } = [];

    /// <summary>All of its requests are done.</summary>
    public bool IsDone => Outcomes.Count == Requests.Count;

    /// <summary>What in its text looks like a gap and is not one; null if nothing does.</summary>
    public string? Warning => Outcomes.Select(outcome => outcome.Result?.Warning).FirstOrDefault(warning => warning is not null);

    /// <summary>What is wrong with the line, or with all of its requests alike; it must be done.</summary>
    public string? LineError =>
        Error ?? (Outcomes.Count > 0 && Outcomes.All(outcome => outcome.Error is not null) ? ErrorText.Of(Outcomes[0].Error!) : null);
}
