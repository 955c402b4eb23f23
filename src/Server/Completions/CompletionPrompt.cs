using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Server.Completions;

/// <summary>A prompt of a completion request.</summary>
/// <param name="Prompt">The prompt as it was given.</param>
/// <param name="Infill">What is filled; null where nothing is generated.</param>
/// <param name="Spacing">Whether the text or the model decides on the space before the gap.</param>
internal sealed record CompletionPrompt(PromptText Prompt, InfillPrompt? Infill, GapSpacing Spacing)
{
    /// <summary>The text of the prompt.</summary>
    public string Text => Prompt.Text;

    /// <summary>Whether the gaps are those of the prompt's own markup.</summary>
    public bool IsMarkup { get; init; }

    /// <summary>Whether there is a suffix.</summary>
    public bool HasSuffix { get; init; }

    /// <summary>Whether its own tokens are scored.</summary>
    public bool IsScored { get; init; }

    /// <summary>The text that is answered, without the prompt.</summary>
    public string TextOf(InfillResult result) => IsMarkup ? result.Text : result.Gaps[0].Text;
}
