using System.Text.Json.Serialization;

namespace AsArm.Inference;

/// <summary>
/// What happens to a text before SentencePiece sees it: the preprocessing of Hugging Face's XLNetTokenizer, with its options and
/// their defaults. docs/model-format.md says what each does.
/// </summary>
/// <param name="DoLowerCase">Lower case.</param>
/// <param name="RemoveSpace">White space at both ends goes, any other run of it becomes one space.</param>
/// <param name="KeepAccents">False for the compatibility decomposition (NFKD) without its combining marks.</param>
/// <param name="SplitDigitCommas">A comma after a digit is a token of its own; false for the pieces of XLNetTokenizerFast.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)] // a rule that is misspelt or unknown would give other tokens unseen
public sealed record TextRules(
    bool DoLowerCase = false, bool RemoveSpace = true, bool KeepAccents = false, bool SplitDigitCommas = true);
