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

    /// <summary>Of all of its texts together.</summary>
    public long Characters { get; set; }

    /// <summary>Whether the line asked for samples.</summary>
    public bool HasSamples { get; set; }

    /// <summary>Of the requests, in their order, as far as they are done.</summary>
    public List<InfillOutcome> Outcomes { get; } = [];

    /// <summary>Nothing is under way.</summary>
    public bool IsDone => Outcomes.Count == Requests.Count;

    /// <summary>What in its text looks like a gap and is none; null for nothing.</summary>
    public string? Warning => Outcomes.Select(outcome => outcome.Result?.Warning).FirstOrDefault(warning => warning is not null);

    /// <summary>What is wrong with the line, or with all of its requests alike; it must be done.</summary>
    public string? LineError =>
        Error ?? (Outcomes.All(outcome => outcome.Error is not null) ? Outcomes.FirstOrDefault()?.Error?.Message : null);
}
