using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>What all jobs of an infiller have in common.</summary>
/// <param name="Manifest">The model.</param>
/// <param name="Device">Where it runs.</param>
/// <param name="Banned">Tokens that stand for no text.</param>
/// <param name="Ngrams">The folder's n-grams, if it has any.</param>
internal sealed record InfillSetting(ModelManifest Manifest, Device Device, IReadOnlyCollection<int> Banned, NgramTable? Ngrams);
