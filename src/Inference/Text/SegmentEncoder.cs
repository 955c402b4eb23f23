using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Text;

/// <summary>Makes tokens of segments, for one model.</summary>
/// <param name="Tokenizer">The folder's tokenizer.</param>
/// <param name="Manifest">Mask, separator and the maximum length.</param>
/// <param name="Spacing">Who decides about the space before a gap.</param>
internal sealed record SegmentEncoder(InfillTokenizer Tokenizer, ModelManifest Manifest, GapSpacing Spacing)
{
    /// <summary>The most tokens at once.</summary>
    public int Maximum => Manifest.MaxLength;

    /// <summary>How many tokens the segments have.</summary>
    /// <exception cref="InfillTextException">Too long to count, or a marked span that the model cannot write.</exception>
    public TokenCount Count(IReadOnlyList<TextSegment> segments) => InfillText.Count(segments, this, out _);

    /// <summary>The segments as a sequence of tokens with targets.</summary>
    /// <exception cref="InfillTextException">Too long, or a marked span that the model cannot write.</exception>
    public InfillText Encode(IReadOnlyList<TextSegment> segments) => InfillText.Encode(segments, this);
}
