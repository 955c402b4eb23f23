using System.Text.Json.Serialization;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// How a text becomes pieces beside SentencePiece: the rules of Hugging Face's XLNetTokenizer, with its options and their defaults.
/// docs/model-format.md says what each does.
/// </summary>
/// <param name="DoLowerCase">Lower case.</param>
/// <param name="RemoveSpace">White space at both ends goes, any other run of it becomes one space.</param>
/// <param name="KeepAccents">False for the compatibility decomposition (NFKD) without its combining marks.</param>
/// <param name="SplitDigitCommas">A comma after a digit is a token of its own.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)] // a rule that is misspelt or unknown would give other tokens unseen
public sealed record TextRules(
    bool DoLowerCase = false, bool RemoveSpace = true, bool KeepAccents = false, bool SplitDigitCommas = true)
{
    /// <summary>The <see cref="Backend" /> of Hugging Face's fast tokenizers: its library tokenizers instead of SentencePiece.</summary>
    public const string TokenizersBackend = "tokenizers";

    /// <summary>Null for the tokenizer in Python on SentencePiece, or <see cref="TokenizersBackend" />.</summary>
    public string? Backend { get; init; }

    /// <summary>Tokens that are cut out of the text first; null for those of XLNetTokenizer by their names.</summary>
    public IReadOnlyList<AddedToken>? AddedTokens { get; init; }

    /// <summary>Of the backend tokenizers: the model's character map is applied after the other rules.</summary>
    public bool CharacterMap { get; init; }

    /// <summary>Of the backend tokenizers: only spaces part words, so that other white space stays in them.</summary>
    public bool SplitSpacesOnly { get; init; }

    [JsonIgnore]
    internal bool IsFast => Backend == TokenizersBackend;

    /// <summary>The rule that does not fit the others; null where all do.</summary>
    internal string? FirstInvalidField() =>
        Backend is not (null or TokenizersBackend) ? "backend"
        : IsFast ? (AddedTokens is null ? "added_tokens" : null)
        : CharacterMap ? "character_map"
        : SplitSpacesOnly ? "split_spaces_only"
        : AddedTokens?.Any(token => token.Normalized) == true ? "added_tokens"
        : null;
}
