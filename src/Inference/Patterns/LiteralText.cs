namespace AsArm.Inference.Patterns;

/// <summary>One text.</summary>
/// <param name="text">The text.</param>
internal sealed class LiteralText(string text) : TextAutomaton
{
    /// <inheritdoc />
    public override int Start => 0;

    /// <inheritdoc />
    public override int Next(int state, char unit) => state < text.Length && text[state] == unit ? state + 1 : Dead;

    /// <inheritdoc />
    public override bool Accepts(int state) => state == text.Length;
}
