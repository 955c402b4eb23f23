using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>One text of a batch.</summary>
/// <param name="Text">Marked-up text with at least one gap.</param>
/// <param name="Options">How to fill it.</param>
public sealed record InfillRequest(string Text, InfillOptions Options)
{
    /// <summary>A request for a prompt as it is now.</summary>
    /// <param name="prompt">With at least one gap.</param>
    /// <param name="options">How to fill it.</param>
    public InfillRequest(InfillPrompt prompt, InfillOptions options)
        : this((prompt ?? throw new ArgumentNullException(nameof(prompt))).ToString(), options) => IsOfPrompt = true;

    /// <summary>Whether the markup was written for a prompt, in whose text nothing is meant as markup: it needs no warning.</summary>
    internal bool IsOfPrompt { get; }
}
