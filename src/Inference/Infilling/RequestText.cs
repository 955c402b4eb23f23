using AsArm.Inference.Constraints;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>The text of a request, parsed and checked: in windows if all gaps have a given number of tokens, else as segments.</summary>
internal sealed class RequestText
{
    private readonly GapText? _gaps;
    private readonly IReadOnlyList<TextSegment> _segments;

    /// <param name="segments">The text.</param>
    /// <param name="encoder">Encodes it.</param>
    /// <param name="conditions">What gaps without choices have to meet.</param>
    /// <param name="mayCut">Whether a text that is too long is filled in windows.</param>
    /// <param name="warning">A warning about given text; null if there is none.</param>
    /// <exception cref="InfillTextException">The text is too long, or a gap is not supported.</exception>
    public RequestText(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder, GapConditions conditions, bool mayCut, string? warning)
    {
        _segments = segments;
        if (conditions == GapConditions.None && segments.OfType<TextSegment.Gap>().All(gap => gap.IsPlain))
            Plain = new WindowedText(segments, encoder, mayCut) { Warning = warning };
        else
            _gaps = new GapText(segments, encoder, conditions) { Warning = warning };
    }

    private RequestText(RequestText other) => (Plain, _gaps, _segments) = (other.Plain?.Copy(), other._gaps, other._segments);

    /// <summary>The text in windows; null if it has a gap of which more or less is known than the number of tokens.</summary>
    public WindowedText? Plain { get; }

    /// <summary>An independent copy.</summary>
    public RequestText Copy() => new(this);

    /// <summary>Creates the job that fills it; to be called once.</summary>
    /// <param name="options">The options of the request.</param>
    /// <param name="setting">The settings of the infiller.</param>
    /// <param name="mode">The draft mode unless the options name one.</param>
    /// <param name="progress">Receives what each forward pass has done of a text in windows.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    /// <exception cref="InfillTextException">A gap cannot be filled.</exception>
    public IInfillJob CreateJob(InfillOptions options, InfillSetting setting, DraftMode mode, Action<SequenceProgress>? progress = null)
    {
        if (options.MinProbability is not null && _gaps is { HasConditions: true })
            throw new InfillTextException("Gaps that have to meet a condition (a pattern, characters or a name) are not supported with a minimum probability: that of a filling given the condition is not known.");
        if (options.MinProbability is not null)
            GapSupport.RequireTexts(_segments, "with a minimum probability");
        IInfillJob job = Plain is null ? new GapJob(_gaps!, options, setting, options.DraftMode ?? mode) : new InfillJob(Plain, options, setting, mode) { Progress = progress };
        return options.MinProbability is double minimum ? new AbstainingJob(job, _segments, minimum) : job;
    }
}
