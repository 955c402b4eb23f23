namespace AsArm.Cli.Options;

/// <summary>The names of values of options of asarm score, the same on the command line and in a line of JSON.</summary>
internal static class ScoreNames
{
    /// <summary>What score lists; the first is the default.</summary>
    public static readonly IReadOnlyDictionary<string, ScoreDetail> Details = new Dictionary<string, ScoreDetail>
    {
        ["span"] = ScoreDetail.Span,
        ["word"] = ScoreDetail.Word,
        ["token"] = ScoreDetail.Token,
    };

    /// <summary>What the lines of an input are; the first is the default.</summary>
    public static readonly IReadOnlyDictionary<string, LineFormat> Formats = new Dictionary<string, LineFormat>
    {
        ["jsonl"] = LineFormat.Json,
        ["text"] = LineFormat.Text,
    };
}
