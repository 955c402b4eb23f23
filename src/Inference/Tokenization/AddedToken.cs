using System.Text.Json.Serialization;

namespace AsArm.Inference.Tokenization;

/// <summary>A token whose piece is found in the text itself, before anything else becomes pieces: Hugging Face's AddedToken.</summary>
/// <param name="Id">The token; its piece is the text that is searched for.</param>
/// <param name="StripLeft">White space before it goes with it (lstrip).</param>
/// <param name="StripRight">White space after it goes with it (rstrip).</param>
/// <param name="Normalized">It is found in the normalised text; of the backend tokenizers only.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record AddedToken([property: JsonRequired] int Id, bool StripLeft = false, bool StripRight = false, bool Normalized = false);
