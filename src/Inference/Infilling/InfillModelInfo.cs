using AsArm.Inference.Devices;

namespace AsArm.Inference.Infilling;

/// <summary>What an application may want to know of the model that fills its texts.</summary>
/// <param name="Name">Name of the model folder.</param>
/// <param name="MaxTokens">The maximum number of tokens of a text with its gaps; see <see cref="InfillOptions.Window" />.</param>
/// <param name="VocabularySize">Number of tokens of the network.</param>
/// <param name="Device">The device that runs it.</param>
public sealed record InfillModelInfo(string Name, int MaxTokens, int VocabularySize, Device Device);
