using AsArm.Assd;

namespace AsArm.Inference.Text;

/// <summary>A text cannot be filled or scored: it has no gap or span, malformed markup or too many tokens, or is not valid Unicode.</summary>
public sealed class InfillTextException(string message) : AsArmException(message);
