using AsArm.Inference.Constraints;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A text with gaps of which more or less is known than the number of tokens. Immutable.</summary>
internal sealed class GapText
{
    private readonly TextSegment[] _segments;

    /// <param name="segments">The text.</param>
    /// <param name="encoder">Encodes it.</param>
    /// <param name="conditions">What gaps without choices have to meet.</param>
    /// <exception cref="InfillTextException">The text is too long even with the shortest gaps, or a gap cannot be filled.</exception>
    public GapText(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder, GapConditions conditions)
    {
        (_segments, Encoder) = ([.. segments], encoder);
        GapSupport.RequireSupported(segments, encoder.Spacing, hasConditions: conditions != GapConditions.None);
        if (segments.Any(segment => segment is TextSegment.Gap { Specification.Choices.Count: > 0 }))
            GapSupport.RequireTexts(segments, "beside choices");
        InfillText text = encoder.Encode([.. _segments.Select(segment => segment is TextSegment.Gap ? new TextSegment.Gap(1) : segment)]);
        var (fillings, spaces, positions, banned) = (new GapFillings(encoder.Tokenizer.Texts, encoder.Maximum, conditions), text.SpacesShown, text.TargetPositions, text.BannedAt);
        var choices = new ChoiceEncoder(_segments, encoder);
        Gaps = [.. _segments.Index().Where(entry => entry.Item is TextSegment.Gap).Select((entry, i) => choices.Encode(entry.Index) is { Count: > 0 } listed
            ? KnownGap.Of(((TextSegment.Gap)entry.Item).Specification, entry.Index, listed)
            : KnownGap.Of(((TextSegment.Gap)entry.Item).Specification, entry.Index, fillings, spaces[i], banned.GetValueOrDefault(positions[i].Start.Value)))];
        int next = 0;
        InfillText shortest = encoder.Encode([.. _segments.Select(segment => segment is TextSegment.Gap ? new TextSegment.Gap(Gaps[next++].ShortestLength) : segment)]);
        Room = encoder.Maximum - shortest.Tokens.Length;
    }

    /// <summary>A warning about given text that looks like a gap; null if there is none.</summary>
    public string? Warning { get; init; }

    /// <summary>Encodes the text.</summary>
    public SegmentEncoder Encoder { get; }

    /// <summary>The gaps.</summary>
    public IReadOnlyList<KnownGap> Gaps { get; }

    /// <summary>Number of tokens that gaps may have beyond their shortest lengths.</summary>
    public int Room { get; }

    /// <summary>Whether a gap has to meet a condition beside its length.</summary>
    public bool HasConditions => Gaps.Any(gap => gap.Fillings is not null)
        || Gaps.Where(gap => gap.Specification.Name is not null && gap.Choices.Count == 0).GroupBy(gap => gap.Specification.Name).Any(same => same.Count() > 1);

    /// <summary>The segments.</summary>
    public IReadOnlyList<TextSegment> Segments => _segments;
}
