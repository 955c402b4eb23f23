using AsArm.Assd.Distributions;

namespace AsArm.Inference.Gaps;

/// <summary>What choices are evaluated with.</summary>
/// <param name="Distribution">The bans and biases of tokens.</param>
/// <param name="VocabularySize">V.</param>
/// <param name="SuffixTokens">The number of tokens after the last choice that are looked at, where lengths are compared.</param>
internal sealed record ChoiceSetting(SamplingOptions Distribution, int VocabularySize, int SuffixTokens);
