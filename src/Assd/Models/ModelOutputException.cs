namespace AsArm.Assd.Models;

/// <summary>The model returned logits that are not a distribution: NaN or infinite.</summary>
public sealed class ModelOutputException(string message) : AsArmException(message);
