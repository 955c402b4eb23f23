using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A text to fill, with its options.</summary>
/// <param name="Text">Marked-up text with at least one gap.</param>
/// <param name="Options">The options.</param>
public sealed record InfillRequest(string Text, InfillOptions Options)
{
    private readonly string? _markup; // of the segments
    private readonly IReadOnlyList<TextSegment>? _segments; // of a prompt with tokens, which markup leaves out

    /// <summary>Creates a request for a prompt. Later changes of the prompt have no effect.</summary>
    /// <param name="prompt">A prompt with at least one gap.</param>
    /// <param name="options">The options.</param>
    public InfillRequest(InfillPrompt prompt, InfillOptions options)
        : this((prompt ?? throw new ArgumentNullException(nameof(prompt))).ToString(), options)
    {
        IsFromPrompt = true;
        IReadOnlyList<TextSegment> segments = prompt.CopySegments();
        if (segments.Any(segment => segment is TextSegment.Literal { Tokens: not null }))
            (_markup, _segments) = (Text, segments);
    }

    /// <summary>Whether the markup was generated from a prompt, whose text cannot contain a misspelt gap and needs no warning.</summary>
    internal bool IsFromPrompt { get; }

    /// <summary>The segments of a prompt with tokens; null where the markup says all.</summary>
    internal IReadOnlyList<TextSegment>? Segments => Text == _markup ? _segments : null;
}
