using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AsArm.Perf.Load;

/// <summary>
/// An answer without what is different each time: ids and times, where a stream is cut into pieces, and the number of forward passes of a request that evaluates several
/// sequences at once (for unknown lengths, choices and conditions), as it depends on how many places in a forward pass are free.
/// </summary>
/// <param name="Text">What has to be the same each time.</param>
/// <param name="Tokens">The tokens that were filled.</param>
internal sealed record NormalAnswer(string Text, int Tokens)
{
    private static readonly string[] s_changing = ["elapsed_ms", "timings"], s_changingOfSearches = [.. s_changing, "nfe"], s_changingOfCompletions = ["id", "created"];

    /// <summary>Reads an answer.</summary>
    /// <exception cref="FormatException">It is not of this form, or it ends with an error.</exception>
    public static NormalAnswer Of(string answer, AnswerForm form)
    {
        try
        {
            return form switch
            {
                AnswerForm.CompletionEvents => OfPieces(EventsOf(answer, isDone: true), piece => piece["choices"]!.AsArray().Select(choice => ($"{choice!["index"]}", choice.AsObject(), "text"))),
                AnswerForm.LlamaEvents => OfPieces(EventsOf(answer, isDone: false), piece => [("", piece, "content")]),
                _ => OfObjects([.. answer.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!.AsObject())], form),
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or NullReferenceException or ArgumentException)
        {
            throw new FormatException($"{error.Message} in {answer}", error);
        }
    }

    private static NormalAnswer OfObjects(JsonObject[] objects, AnswerForm form)
    {
        int tokens = form == AnswerForm.Updates ? TokensOf(objects[^1]["result"]!.AsObject()) : objects.Sum(TokensOf);
        return new(string.Join('\n', objects.Select(one => Stripped(one).ToJsonString())), tokens);
    }

    /// <summary>The texts that the pieces make, and of each text all fields of its last piece.</summary>
    private static NormalAnswer OfPieces(List<JsonObject> pieces, Func<JsonObject, IEnumerable<(string Key, JsonObject Piece, string Field)>> read)
    {
        var texts = new SortedDictionary<string, (StringBuilder Text, string Last)>(StringComparer.Ordinal);
        foreach ((string key, JsonObject piece, string field) in pieces.SelectMany(read))
        {
            StringBuilder text = texts.TryGetValue(key, out (StringBuilder Text, string Last) before) ? before.Text : new StringBuilder();
            text.Append((string)piece[field]!);
            piece.Remove(field);
            texts[key] = (text, Stripped(piece).ToJsonString());
        }

        JsonObject last = pieces[^1];
        string usage = last["usage"]?.ToJsonString() ?? "";
        return new(string.Join('\n', texts.Select(text => $"{text.Key}: {text.Value.Text} {text.Value.Last}")) + usage, TokensOf(last));
    }

    private static List<JsonObject> EventsOf(string answer, bool isDone)
    {
        const string Data = "data: ", Done = "[DONE]";
        List<string> events = [.. answer.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(one => one[Data.Length..])];
        if (isDone && events[^1] != Done)
            throw new FormatException($"A stream without its end: {answer}");
        return [.. events.Where(one => one != Done).Select(one => JsonNode.Parse(one)!.AsObject())];
    }

    private static int TokensOf(JsonObject answer)
    {
        if (answer.ContainsKey("error"))
            throw new FormatException(answer.ToJsonString());
        return (int?)answer["usage"]?["completion_tokens"] ?? (int?)answer["tokens_predicted"] ?? (answer["samples"] is JsonArray samples
            ? samples.Sum(sample => TokensOf(sample!.AsObject()))
            : answer.ContainsKey("spans") ? 0 : (int)answer["tokens"]!);
    }

    private static JsonNode Stripped(JsonNode node)
    {
        if (node is JsonObject fields)
        {
            bool isCompletion = fields.ContainsKey("object"), hasSearch = fields["gap_details"] is JsonArray gaps && gaps.Any(gap => gap!["method"] is not null);
            foreach (string name in isCompletion ? s_changingOfCompletions : hasSearch ? s_changingOfSearches : s_changing)
                fields.Remove(name);
        }

        IEnumerable<JsonNode?> values = node switch
        {
            JsonObject inner => inner.Select(field => field.Value),
            JsonArray array => array,
            _ => [],
        };
        foreach (JsonNode? value in values)
        {
            if (value is not null)
                Stripped(value);
        }

        return node;
    }
}
