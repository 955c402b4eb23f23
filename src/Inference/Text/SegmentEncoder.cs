using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Text;

/// <summary>Encodes segments with the tokenizer and the limits of one model.</summary>
/// <param name="Tokenizer">The folder's tokenizer.</param>
/// <param name="Manifest">The mask, the separator and the maximum length.</param>
/// <param name="Spacing">Whether the text or the model determines the space before a gap.</param>
internal sealed record SegmentEncoder(InfillTokenizer Tokenizer, ModelManifest Manifest, GapSpacing Spacing)
{
    /// <summary>The maximum length of a sequence, in tokens.</summary>
    public int Maximum => Manifest.MaxLength;

    /// <summary>Counts the tokens of segments.</summary>
    /// <exception cref="InfillTextException">The text is too long to be tokenised, or a marked span contains tokens that cannot be generated.</exception>
    public TokenCount Count(IReadOnlyList<TextSegment> segments) => InfillText.Count(segments, this, out _);

    /// <summary>Encodes segments as a sequence of tokens with targets.</summary>
    /// <exception cref="InfillTextException">The text is too long, or a marked span contains tokens that cannot be generated.</exception>
    public InfillText Encode(IReadOnlyList<TextSegment> segments) => InfillText.Encode(segments, this);
}
