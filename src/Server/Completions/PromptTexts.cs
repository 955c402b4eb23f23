using System.Text.Json;
using AsArm.Inference.Infilling;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Requests;

namespace AsArm.Server.Completions;

/// <summary>Reads the prompts: texts, or tokens that a client has made with the model's tokenizer.</summary>
internal static class PromptTexts
{
    private const string Rule = "must be a string, an array of strings, an array of token ids, or an array of such arrays, and not empty";

    /// <summary>Whether the prompts are given as tokens, in whose text nothing is markup.</summary>
    public static bool AreTokens(FieldValues values) =>
        values.Value("prompt") is { ValueKind: JsonValueKind.Array } value && value.GetArrayLength() > 0 && value[0].ValueKind != JsonValueKind.String;

    /// <summary>The prompts.</summary>
    /// <exception cref="RequestException">They are none, or have ids that are no tokens.</exception>
    public static IReadOnlyList<PromptText> Read(FieldValues values, ServerOptions server, TextInfiller infiller)
    {
        JsonElement value = values.Value("prompt") ?? throw values.Error("prompt", "is missing");
        if (value.ValueKind == JsonValueKind.String)
            return [.. values.Texts("prompt").Select(PromptText.Of)];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
            throw values.Error("prompt", Rule);
        if (value[0].ValueKind != JsonValueKind.Number)
            PromptLimits.RequireSamples(value.GetArrayLength(), server, "prompt");
        return value[0].ValueKind switch
        {
            JsonValueKind.String => [.. values.Texts("prompt").Select(PromptText.Of)],
            JsonValueKind.Number => [TokensOf(value, values, infiller)],
            JsonValueKind.Array => [.. value.EnumerateArray().Select(tokens => TokensOf(tokens, values, infiller))],
            _ => throw values.Error("prompt", Rule),
        };
    }

    private static PromptText TokensOf(JsonElement tokens, FieldValues values, TextInfiller infiller)
    {
        if (tokens.ValueKind != JsonValueKind.Array || tokens.GetArrayLength() == 0)
            throw values.Error("prompt", Rule);
        PromptLimits.RequireTokens(tokens.GetArrayLength(), infiller.Model.MaxTokens, "prompt");
        var ids = new List<int>();
        foreach (JsonElement token in tokens.EnumerateArray())
        {
            if (token.ValueKind != JsonValueKind.Number || !token.TryGetInt32(out int id) || (uint)id >= (uint)infiller.Model.VocabularySize)
                throw values.Error("prompt", $"must have ids of tokens, from 0 to {infiller.Model.VocabularySize - 1}", token);
            if (id == infiller.Folder.Manifest.MaskId)
                throw values.Error("prompt", $"has the token {id}, the mask, which stands for an unknown token");
            ids.Add(id);
        }

        return PromptText.Of([.. ids], infiller.InfillTokenizer);
    }
}
