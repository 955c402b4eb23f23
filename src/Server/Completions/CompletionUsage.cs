using System.Text.Json;

namespace AsArm.Server.Completions;

/// <summary>Counts of the tokens of a request.</summary>
internal sealed class CompletionUsage
{
    /// <summary>Tokens of the prompts and suffixes.</summary>
    public int PromptTokens { get; set; }

    /// <summary>Tokens generated.</summary>
    public int CompletionTokens { get; set; }

    /// <summary>Writes the field.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", PromptTokens);
        json.WriteNumber("completion_tokens", CompletionTokens);
        json.WriteNumber("total_tokens", PromptTokens + CompletionTokens);
        json.WriteEndObject();
    }
}
