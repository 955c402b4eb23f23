using AsArm.Assd.Constraints;
using AsArm.Assd.Ordering;
using AsArm.Inference.Constraints;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>
/// Open gaps: text and length from one joint distribution. The gap has a position more than its largest length, and is filled until the token for the end is drawn;
/// nothing sees the positions behind it. That the length is one that was asked for is a condition like others.
/// </content>
internal sealed partial class GapFilling
{
    private bool IsOpen(GapState gap) => !gap.IsResolved && !IsConstrained(gap) && gap.Known.Choices.Count == 0 && _options.Lengths.Method == LengthMethod.OpenGaps;

    private void RequireOpenGaps()
    {
        if (_setting.Manifest.GapEndId is null)
            throw new InfillTextException("The model was not trained with open gaps (its asarm.json has no gap_end_id): the length of a gap must be found by evidence.");
        InfillOptions.Require(
            _options.Sampler != SamplerKind.Parallel, nameof(InfillOptions.Sampler), _options.Sampler, "must not be parallel where lengths are found by open gaps");
    }

    private IEnumerable<IReadOnlyList<SequenceTask>> FillOpen(int index)
    {
        GapState gap = _gaps[index];
        int endId = _setting.Manifest.GapEndId!.Value;
        int minimum = (int)gap.Known.ShortestLength, maximum = (int)Math.Min(gap.Known.Lengths[^1], RoomOf(gap, copies: 1) - 1);
        if (maximum < minimum)
            throw new InfillTextException($"The text is too long for {GapSupport.Shown(gap.Specification)} as an open gap, which takes a token more than its text.");
        gap.Length = maximum + 1;
        InfillText text = Encode();
        int start = text.TargetPositions[index].Start.Value;
        var order = Order.LeftToRight(text.Given);
        InfillOptions options = _options with { BannedTokens = [.. _options.BannedTokens.Where(token => token != endId)], BannedTokensAt = text.BannedAt };
        var sampling = new ConditionalSampling(
            new OpenGapConstraint(start, minimum, maximum, endId, _setting.Manifest.VocabularySize), options, NextSeed(), options.MaxTries, options.Particles);
        var drawn = new Dictionary<ConstrainedDraw, FilledSequence>();
        while (!sampling.IsDone)
        {
            yield return [.. sampling.BeginGeneration().Select(draw => Draw(draw, order, text.Tokens, options, gap.Length, drawn, endId))];
            sampling.EndGeneration();
        }

        if (sampling.Chosen is not ConstrainedDraw chosen)
            throw new InfillTextException($"No end of {GapSupport.Shown(gap.Specification)} was found after {minimum} to {maximum} tokens ({Describe(sampling.Statistics!)}).");
        FilledSequence sequence = drawn[chosen];
        int length = sequence.LogProbabilities.Length - 1;
        Commit(gap, sequence.Tokens[start..(start + length)], sequence.LogProbabilities[..length]);
        gap.Entropies = sequence.Entropies.Length == 0 ? [] : sequence.Entropies[..length];
        (gap.IsResolved, gap.EndLogProbability, gap.Conditioning) = (true, sequence.LogProbabilities[length], sampling.Statistics);
        bool isExact = sampling.Statistics!.Method == ConditionalMethod.Exact && maximum == gap.Known.Lengths[^1]; // not with fewer positions than were asked for
        (gap.Method, gap.Accuracy) = (GapMethod.OpenGap, isExact ? GapAccuracy.Exact : GapAccuracy.Estimate);
        AddUp(sequence);
    }
}
