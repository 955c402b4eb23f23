namespace AsArm.Assd.Models;

/// <summary>The model answered with something that is no distribution: NaN or infinite logits.</summary>
public sealed class ModelOutputException(string message) : Exception(message);
