using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A text with gaps of which more or less is known than the number of tokens.</summary>
internal sealed class GapText
{
    private readonly TextSegment[] _segments;

    /// <param name="segments">The text.</param>
    /// <param name="encoder">Encodes it.</param>
    /// <exception cref="InfillTextException">The text is too long even with the shortest gaps, or a gap is not supported.</exception>
    public GapText(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder)
    {
        (_segments, Encoder) = ([.. segments], encoder);
        GapSupport.RequireSupported(segments);
        Gaps = [.. _segments.Index().Where(entry => entry.Item is TextSegment.Gap).Select(entry => entry.Index)];
        foreach (int gap in Gaps)
            RequireLengths(SpecificationOf(gap));
        InfillText shortest = encoder.Encode([.. _segments.Select(segment => segment is TextSegment.Gap gap ? new TextSegment.Gap(ShortestOf(gap.Specification)) : segment)]);
        Room = encoder.Maximum - shortest.Tokens.Length;
    }

    /// <summary>A warning about given text that looks like a gap; null if there is none.</summary>
    public string? Warning { get; init; }

    /// <summary>Encodes the text.</summary>
    public SegmentEncoder Encoder { get; }

    /// <summary>The indices of the segments that are gaps.</summary>
    public int[] Gaps { get; }

    /// <summary>Number of tokens that gaps may have beyond their shortest lengths.</summary>
    public int Room { get; }

    /// <summary>The segments.</summary>
    public IReadOnlyList<TextSegment> Segments => _segments;

    /// <summary>What is known of a gap.</summary>
    /// <param name="segment">The index of its segment.</param>
    public GapSpecification SpecificationOf(int segment) => ((TextSegment.Gap)_segments[segment]).Specification;

    /// <summary>The shortest length of a gap, in tokens.</summary>
    public static long ShortestOf(GapSpecification gap) => gap.MinTokens ?? 1;

    private static void RequireLengths(GapSpecification gap)
    {
        if (gap.MinTokens < gap.MaxTokens && gap.MaxTokens - gap.MinTokens >= LengthOptions.MaxLengths)
            throw new InfillTextException($"The gap {gap} may have {gap.MaxTokens - gap.MinTokens + 1} lengths; at most {LengthOptions.MaxLengths} are compared.");
    }
}
