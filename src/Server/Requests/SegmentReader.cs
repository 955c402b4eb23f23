using System.Text.Json;
using AsArm.Inference.Text;
using AsArm.Server.Fields;

namespace AsArm.Server.Requests;

/// <summary>Reads the text of a request of our own endpoints: marked-up in "text", or as "segments", in which nothing is markup.</summary>
internal static class SegmentReader
{
    private const int MaxSegments = 10_000;

    private static readonly FieldList s_segment = new(
        "segments",
        [
            new Field("text", FieldType.Text, "Given text."),
            new Field("gap", FieldType.Any, "A number of tokens, or an object."),
            new Field("span", FieldType.Text, "A text whose probability is computed."),
        ]);

    private static readonly FieldList s_gap = new(
        "segments",
        [
            new Field("tokens", FieldType.Integer, "Number of tokens."),
            new Field("min_tokens", FieldType.Integer, "Minimum number of tokens."),
            new Field("max_tokens", FieldType.Integer, "Maximum number of tokens."),
            new Field("min_characters", FieldType.Integer, "Minimum number of characters."),
            new Field("max_characters", FieldType.Integer, "Maximum number of characters."),
            new Field("choices", FieldType.Texts, "Possible fillings."),
            new Field("pattern", FieldType.Text, "A regular expression."),
            new Field("name", FieldType.Text, "Gaps of one name have the same filling."),
        ]);

    public static Field Text { get; } = new("text", FieldType.Text, "The text, in the markup of docs/gaps.md.");

    public static Field Segments { get; } = new(
        "segments",
        FieldType.Objects,
        "In place of text: objects with one field each, \"text\" for given text, in which nothing is markup, and \"gap\" (a number of tokens, or an object with tokens, min_tokens, max_tokens, min_characters, max_characters, choices, pattern, name) or, for scores, \"span\".");

    /// <summary>A text with gaps.</summary>
    /// <exception cref="RequestException">It is neither or both, or a segment is wrong.</exception>
    public static InfillPrompt ReadGaps(FieldValues values)
    {
        if (TextOf(values) is string text)
            return InfillPrompt.Parse(text);
        var prompt = new InfillPrompt();
        foreach (FieldValues segment in SegmentsOf(values))
        {
            if (segment.Value("gap") is JsonElement gap)
                prompt.AddGap(GapOf(gap, segment));
            else if (segment.Has("text"))
                prompt.AddText(segment.Text("text")!);
            else
                throw segment.Error("span", "is for scores: a segment has text or gap");
        }

        return prompt;
    }

    /// <summary>A text with marked spans.</summary>
    /// <exception cref="RequestException">It is neither or both, or a segment is wrong.</exception>
    public static ScorePrompt ReadSpans(FieldValues values)
    {
        if (TextOf(values) is string text)
            return ScorePrompt.Parse(text);
        var prompt = new ScorePrompt();
        foreach (FieldValues segment in SegmentsOf(values))
        {
            if (segment.Has("span"))
                prompt.AddSpan(segment.Text("span")!);
            else if (segment.Has("text"))
                prompt.AddText(segment.Text("text")!);
            else
                throw segment.Error("gap", "is no part of a text to score: a segment has text or span");
        }

        return prompt;
    }

    private static string? TextOf(FieldValues values)
    {
        if (values.Has("text") == values.Has("segments"))
            throw values.Error("text", values.Has("text") ? "and \"segments\" are given both" : "is missing, and \"segments\" too");
        return values.Text("text");
    }

    private static IEnumerable<FieldValues> SegmentsOf(FieldValues values)
    {
        JsonElement segments = values.Value("segments")!.Value;
        if (segments.ValueKind != JsonValueKind.Array || segments.GetArrayLength() is 0 or > MaxSegments)
            throw values.Error("segments", $"must be an array of 1 to {MaxSegments} objects");
        foreach ((int index, JsonElement segment) in segments.EnumerateArray().Index())
        {
            FieldValues read = s_segment.Read(segment, $"segments[{index}].");
            if (s_segment.Fields.Count(field => read.Has(field.Name)) != 1)
                throw RequestException.Of($"segments[{index}]", "must have one of text, gap and span");
            yield return read;
        }
    }

    private static GapSpecification GapOf(JsonElement gap, FieldValues segment)
    {
        try
        {
            return gap.ValueKind == JsonValueKind.Number
                ? GapSpecification.Tokens(segment.Integer("gap", 1, int.MaxValue)!.Value)
                : SpecificationOf(s_gap.Read(gap, segment.Path + "gap."));
        }
        catch (ArgumentException error)
        {
            throw segment.Error("gap", $"is not a gap: {error.Message.Split('\n')[0]}");
        }
    }

    private static GapSpecification SpecificationOf(FieldValues gap)
    {
        int? tokens = gap.Integer("tokens", 1, int.MaxValue), minTokens = gap.Integer("min_tokens", 1, int.MaxValue), maxTokens = gap.Integer("max_tokens", 1, int.MaxValue);
        int? minCharacters = gap.Integer("min_characters", 1, GapSpecification.LimitOfCharacters), maxCharacters = gap.Integer("max_characters", 1, GapSpecification.LimitOfCharacters);
        if (tokens is not null && (minTokens ?? maxTokens) is not null)
            throw gap.Error("tokens", "and a range of tokens are given both");
        var parts = new List<Func<GapSpecification?, GapSpecification>>();
        if ((tokens ?? minTokens ?? maxTokens) is not null)
        {
            (int minimum, int maximum) = (tokens ?? minTokens ?? 1, tokens ?? maxTokens ?? Math.Max(minTokens!.Value, GapSpecification.DefaultMaxTokens));
            parts.Add(before => before?.WithTokens(minimum, maximum) ?? GapSpecification.Tokens(minimum, maximum));
        }

        if ((minCharacters ?? maxCharacters) is not null)
        {
            (int minimum, int maximum) = (minCharacters ?? 1, maxCharacters ?? GapSpecification.LimitOfCharacters);
            parts.Add(before => before?.WithCharacters(minimum, maximum) ?? GapSpecification.Characters(minimum, maximum));
        }

        if (gap.Has("choices"))
            parts.Add(before => before?.WithChoices(gap.Texts("choices")) ?? GapSpecification.OneOf(gap.Texts("choices")));
        if (gap.Text("pattern") is string pattern)
            parts.Add(before => before?.WithPattern(pattern) ?? GapSpecification.Matching(pattern));
        GapSpecification? specification = parts.Aggregate((GapSpecification?)null, (before, part) => part(before));
        if (gap.Text("name") is string name)
            specification = (specification ?? GapSpecification.Tokens()).Named(name);
        return specification ?? throw gap.Error("tokens", "is missing: something has to be known of a gap");
    }
}
