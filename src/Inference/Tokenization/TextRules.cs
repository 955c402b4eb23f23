using System.Text.Json.Serialization;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// Normalisation and pre-tokenisation settings: the options of Hugging Face's XLNetTokenizer, with their defaults. docs/model-format.md describes
/// each.
/// </summary>
/// <param name="DoLowerCase">Whether text is converted to lower case.</param>
/// <param name="RemoveSpace">Whether white space at both ends is removed and other runs of it become one space.</param>
/// <param name="KeepAccents">False to decompose text (NFKD) and remove combining marks.</param>
/// <param name="SplitDigitCommas">Whether a comma after a digit is a token of its own.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)] // an ignored misspelt or unknown setting would silently give other tokens
public sealed record TextRules(
    bool DoLowerCase = false, bool RemoveSpace = true, bool KeepAccents = false, bool SplitDigitCommas = true)
{
    /// <summary>The <see cref="Backend" /> of Hugging Face's fast tokenizers: the library "tokenizers" instead of SentencePiece.</summary>
    public const string TokenizersBackend = "tokenizers";

    /// <summary>The implementation whose tokens are reproduced: null for the slow tokenizer, based on SentencePiece, or <see cref="TokenizersBackend" />.</summary>
    public string? Backend { get; init; }

    /// <summary>Tokens that are matched before segmentation; null for the special tokens of XLNetTokenizer, by name.</summary>
    public IReadOnlyList<AddedToken>? AddedTokens { get; init; }

    /// <summary>For the backend "tokenizers": whether the model's character map is applied, after the other settings.</summary>
    public bool CharacterMap { get; init; }

    /// <summary>For the backend "tokenizers": whether words are split at spaces only, not at other white space.</summary>
    public bool SplitSpacesOnly { get; init; }

    [JsonIgnore]
    internal bool IsFast => Backend == TokenizersBackend;

    /// <summary>The name of the first setting that is invalid or inconsistent with the others; null if all are valid.</summary>
    internal string? FirstInvalidField() =>
        Backend is not (null or TokenizersBackend) ? "backend"
        : IsFast ? (AddedTokens is null ? "added_tokens" : null)
        : CharacterMap ? "character_map"
        : SplitSpacesOnly ? "split_spaces_only"
        : AddedTokens?.Any(token => token.Normalized) == true ? "added_tokens"
        : null;
}
