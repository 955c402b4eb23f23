using AsArm.Cli.Options;
using AsArm.Cli.Streams;
using AsArm.Inference.Text;
using Spectre.Console;

namespace AsArm.Cli.Output;

/// <summary>The table of a scored text.</summary>
internal static class ScoreTable
{
    /// <summary>Prints a row for each span, word or token, and one for all.</summary>
    /// <param name="score">The scores.</param>
    /// <param name="detail">What has rows.</param>
    /// <param name="streams">Those of the command.</param>
    public static void Print(ScoreResult score, ScoreDetail detail, CommandStreams streams)
    {
        var columns = new List<string> { ScoreNames.Details.First(pair => pair.Value == detail).Key };
        if (detail != ScoreDetail.Token)
            columns.Add("tokens");
        columns.Add("log probability");
        columns.Add(detail == ScoreDetail.Token ? "entropy" : "nats per token");
        if (score.PseudoLogLikelihood is not null)
            columns.Add("pseudo");
        Table table = Tables.Create([.. columns]);
        Row[] rows = [.. RowsOf(score, detail)];
        foreach (Row row in rows)
            Add(table, Markup.Escape(row.Text), row, detail);
        if (rows.Length > 1)
            Add(table, "[bold]all, jointly[/]", new Row("", score.Tokens, score.LogProbability, null, score.PseudoLogLikelihood), detail);
        Tables.Print(table, streams);
    }

    private static IEnumerable<Row> RowsOf(ScoreResult score, ScoreDetail detail) => detail switch
    {
        ScoreDetail.Word => score.Spans.SelectMany(span => span.Words).Select(word => new Row(word.Text, word.Tokens, word.LogProbability, null, word.PseudoLogLikelihood)),
        ScoreDetail.Token => score.Spans.SelectMany(span => span.TokenScores).Select(token => new Row(token.Text, 1, token.LogProbability, token.Entropy, token.PseudoLogProbability)),
        _ => score.Spans.Select(span => new Row(span.Text, span.Tokens, span.LogProbability, null, span.PseudoLogLikelihood)),
    };

    private static void Add(Table table, string name, Row row, ScoreDetail detail)
    {
        var cells = new List<string> { name };
        if (detail != ScoreDetail.Token)
            cells.Add($"{row.Tokens}");
        cells.Add($"{row.LogProbability:F4}");
        cells.Add(detail == ScoreDetail.Token ? $"{row.Entropy:F4}" : $"{-row.LogProbability / row.Tokens:F4}");
        if (row.Pseudo is double pseudo)
            cells.Add($"{pseudo:F4}");
        table.AddRow([.. cells]);
    }

    private sealed record Row(string Text, int Tokens, double LogProbability, double? Entropy, double? Pseudo);
}
