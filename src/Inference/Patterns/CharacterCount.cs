namespace AsArm.Inference.Patterns;

/// <summary>Texts with a number of characters (Unicode scalar values).</summary>
/// <param name="minimum">The minimum number.</param>
/// <param name="maximum">The maximum number.</param>
internal sealed class CharacterCount(int minimum, int maximum) : TextAutomaton
{
    /// <inheritdoc />
    public override int Start => 0;

    /// <inheritdoc />
    public override int Next(int state, char unit) => char.IsLowSurrogate(unit) ? state : state < maximum ? state + 1 : Dead;

    /// <inheritdoc />
    public override bool Accepts(int state) => state >= minimum;
}
