namespace AsArm.Inference.Gaps;

/// <summary>What choices are evaluated with.</summary>
/// <param name="Banned">Tokens that no gap holds.</param>
/// <param name="VocabularySize">V.</param>
/// <param name="SuffixTokens">The number of tokens after the last choice that are looked at, where lengths are compared.</param>
internal sealed record ChoiceSetting(IReadOnlyCollection<int> Banned, int VocabularySize, int SuffixTokens);
