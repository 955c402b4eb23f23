using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AsArm.Inference.ModelFolders;

/// <summary>Replaces `drafting` in the text of an asarm.json; every other byte stays.</summary>
internal static class DraftingJson
{
    /// <summary>The text with the given figures: in place of the old ones, or after the last field.</summary>
    /// <param name="json">A JSON object.</param>
    /// <param name="figures">The figures.</param>
    public static byte[] SetDrafting(ReadOnlySpan<byte> json, DraftingFigures figures)
    {
        string value = Write(figures);
        (int start, int end, int afterLast) = Find(json);
        if (start >= 0)
            return [.. json[..start], .. Encoding.UTF8.GetBytes(value), .. json[end..]];
        string separator = IsEmpty(json, afterLast) ? "" : ",";
        return [.. json[..afterLast], .. Encoding.UTF8.GetBytes($"{separator}\n  \"drafting\": {value}"), .. json[afterLast..]];
    }

    /// <summary>Start and end of the value of `drafting`, -1 without one; and the end of the last value, or of the opening brace if there is none.</summary>
    private static (int Start, int End, int AfterLast) Find(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        (int start, int end, int afterLast) = (-1, -1, (int)reader.BytesConsumed);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isDrafting = reader.ValueTextEquals("drafting");
            reader.Read();
            int begin = (int)reader.TokenStartIndex;
            reader.Skip();
            afterLast = (int)reader.BytesConsumed;
            if (isDrafting)
                (start, end) = (begin, afterLast);
        }

        return (start, end, afterLast);
    }

    private static bool IsEmpty(ReadOnlySpan<byte> json, int afterLast) => json[afterLast - 1] == '{' && json[..(afterLast - 1)].TrimStart(" \t\r\n"u8).IsEmpty;

    /// <summary>Indented as the exporter does it, with one list of rates per line.</summary>
    private static string Write(DraftingFigures figures)
    {
        var fields = new List<string>();
        if (figures.Acceptance is AcceptanceFigures acceptance)
            fields.Add($"\"acceptance\": {Object(3, Acceptance(acceptance))}");
        if (figures.CorpusWeight is double weight)
            fields.Add($"\"corpus_weight\": {Number(weight)}");
        if (figures.ForwardPassOverhead is OverheadFigures overhead)
            fields.Add($"\"forward_pass_overhead\": {Object(3, Overheads(overhead))}");
        return Object(2, fields);
    }

    private static IEnumerable<string> Acceptance(AcceptanceFigures acceptance)
    {
        foreach ((string name, NeighbourRates? rates) in new[] { ("ngram", acceptance.Ngram), ("network", acceptance.Network), ("product", acceptance.Product), ("head", acceptance.Head) })
        {
            if (rates is not null)
                yield return $"\"{name}\": {Object(4, [$"\"none\": {Row(rates.None)}", $"\"left\": {Row(rates.Left)}", $"\"right\": {Row(rates.Right)}", $"\"both\": {Row(rates.Both)}"])}";
        }

        if (acceptance.OwnBigrams is not null)
            yield return $"\"own_bigrams\": {Row(acceptance.OwnBigrams)}";
    }

    private static IEnumerable<string> Overheads(OverheadFigures overhead) =>
        overhead.All.Select(one => $"\"{one.Device}\": {{\"alone\": {Number(one.Overhead.Alone)}, \"batch\": {Number(one.Overhead.Batch)}}}");

    /// <param name="depth">Indentation level of the fields.</param>
    /// <param name="fields">Each a name and a value, as JSON.</param>
    private static string Object(int depth, IEnumerable<string> fields)
    {
        string indent = "\n" + new string(' ', 2 * depth);
        return $"{{{string.Join(',', fields.Select(field => indent + field))}{indent[..^2]}}}";
    }

    private static string Row(IReadOnlyList<double> rates) => $"[{string.Join(", ", rates.Select(Number))}]";

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
