using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A text to fill, with its options.</summary>
/// <param name="Text">Marked-up text with at least one gap.</param>
/// <param name="Options">The options.</param>
public sealed record InfillRequest(string Text, InfillOptions Options)
{
    /// <summary>Creates a request for a prompt. Later changes of the prompt have no effect.</summary>
    /// <param name="prompt">A prompt with at least one gap.</param>
    /// <param name="options">The options.</param>
    public InfillRequest(InfillPrompt prompt, InfillOptions options)
        : this((prompt ?? throw new ArgumentNullException(nameof(prompt))).ToString(), options) => IsFromPrompt = true;

    /// <summary>Whether the markup was generated from a prompt, whose text cannot contain a misspelt gap and needs no warning.</summary>
    internal bool IsFromPrompt { get; }
}
