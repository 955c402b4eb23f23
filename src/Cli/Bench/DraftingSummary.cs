using System.Globalization;
using AsArm.Inference.ModelFolders;

namespace AsArm.Cli.Bench;

/// <summary>Drafting figures in a line.</summary>
internal static class DraftingSummary
{
    /// <summary>Without a full stop.</summary>
    /// <param name="figures">Null where a folder has none.</param>
    public static string Of(DraftingFigures? figures)
    {
        if (figures is null)
            return "neutral figures (bench --write measures them)";
        string[] parts = [.. Acceptance(figures.Acceptance), .. Weight(figures.CorpusWeight), .. Overheads(figures.ForwardPassOverhead)];
        return parts.Length == 0 ? "neutral figures" : string.Join("; ", parts);
    }

    /// <summary>Means with a known left neighbour.</summary>
    private static IEnumerable<string> Acceptance(AcceptanceFigures? acceptance)
    {
        if (acceptance is null)
            yield break;
        string[] sources =
        [
            .. from source in new[] { ("n-gram", acceptance.Ngram?.Left), ("network", acceptance.Network?.Left), ("product", acceptance.Product?.None), ("draft head", acceptance.Head?.None), ("own bigrams", acceptance.OwnBigrams) }
               where source.Item2 is not null
               select $"{source.Item1} {Number(source.Item2![^1])}",
        ];
        yield return $"acceptance beside a known left neighbour: {string.Join(", ", sources)}";
    }

    private static IEnumerable<string> Weight(double? weight) => weight is double value ? [$"corpus weight {Number(value)}"] : [];

    private static IEnumerable<string> Overheads(OverheadFigures? overheads) =>
        overheads?.All.Select(one => $"forward-pass overhead on {one.Device}: {Number(one.Overhead.Alone)} tokens, in batches {Number(one.Overhead.Batch)}") ?? [];

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
