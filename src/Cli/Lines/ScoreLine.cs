using AsArm.Inference.Text;

namespace AsArm.Cli.Lines;

/// <summary>A line of an input file that is to be scored.</summary>
internal sealed class ScoreLine(long number)
{
    /// <summary>From 1.</summary>
    public long Number => number;

    /// <summary>The value of "id" as it was written; null without one.</summary>
    public string? Id { get; set; }

    /// <summary>Why the line cannot be scored; null for a good one.</summary>
    public string? Error { get; set; }

    /// <summary>The text; null for a bad line.</summary>
    public ScorePrompt? Prompt { get; set; }

    /// <summary>What is asked of it.</summary>
    public required ScoreQuery Query { get; set; }

    /// <summary>The scores; null until they are there, and for a line that fails.</summary>
    public ScoreResult? Result { get; set; }
}
