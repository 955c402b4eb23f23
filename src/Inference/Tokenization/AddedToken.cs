using System.Text.Json.Serialization;

namespace AsArm.Inference.Tokenization;

/// <summary>A token that is matched in the text before segmentation into pieces: Hugging Face's AddedToken.</summary>
/// <param name="Id">The token; its piece is the text to match.</param>
/// <param name="StripLeft">Whether white space before it is removed (lstrip).</param>
/// <param name="StripRight">Whether white space after it is removed (rstrip).</param>
/// <param name="Normalized">Whether it is matched in the normalised text; for the backend "tokenizers" only.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record AddedToken([property: JsonRequired] int Id, bool StripLeft = false, bool StripRight = false, bool Normalized = false);
