using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Infilling;

/// <summary>A sequence with all targets committed, and the options of its distribution.</summary>
/// <param name="Order">The order of the sequence.</param>
/// <param name="Tokens">[Order.Length] tokens by position.</param>
/// <param name="Distribution">Temperature, top-k, top-p and bans.</param>
/// <param name="Model"><see cref="ModelManifest.Identity" /> of the model that filled it.</param>
internal sealed record FilledSequence(Order Order, int[] Tokens, SamplingOptions Distribution, string Model);
