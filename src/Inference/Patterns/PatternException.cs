using AsArm.Assd;

namespace AsArm.Inference.Patterns;

/// <summary>An expression cannot be compiled.</summary>
/// <param name="message">A sentence without a subject and a full stop: "has ...".</param>
/// <param name="offset">The character of the expression where the reason is.</param>
internal sealed class PatternException(string message, int offset) : AsArmException(message)
{
    /// <summary>The character of the expression where the reason is, from 0.</summary>
    public int Offset { get; } = offset;
}
