using AsArm.Assd.Models;
using AsArm.Assd.Samplers;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Perf.Lengths;

/// <summary>What the network says of the lengths of a gap that is known.</summary>
/// <param name="Gap">The gap.</param>
/// <param name="Length">Its number of tokens.</param>
/// <param name="Evidence">The evidence by length, from 1.</param>
/// <param name="Texts">The greedy filling of each length.</param>
/// <param name="Surroundings">The tokens around it.</param>
internal sealed record GapEvidence(TrueGap Gap, int Length, LengthEvidence Evidence, string[] Texts, GapSurroundings Surroundings)
{
    private const int BatchSize = 16;

    /// <summary>Computes the evidence; null if the gap has more tokens than are compared.</summary>
    public static GapEvidence? Of(TextInfiller infiller, TrueGap gap, int lengths, int fillings, int suffix)
    {
        var encoder = new SegmentEncoder(infiller.InfillTokenizer, infiller.Folder.Manifest, GapSpacing.AsTyped);
        if (LengthOf(encoder, gap) is not int length || length > lengths)
            return null;
        InfillText text = encoder.Encode([new TextSegment.Literal(gap.Before, Marked: false), new TextSegment.Gap(length), new TextSegment.Literal(gap.After, Marked: false)]);
        InfillSetting setting = infiller.Setting;
        GapSurroundings surroundings = GapSurroundings.Of(text, 0, suffix, setting.Banned, setting.Manifest.MaskId, setting.Manifest.VocabularySize);
        var evidence = new LengthEvidence(surroundings, [.. Enumerable.Range(1, lengths)], fillings);
        infiller.RunExclusive(model => Run(model, evidence.Steps()));
        string[] texts = [.. Enumerable.Range(0, lengths).Select(i => infiller.InfillTokenizer.Decode(evidence.Fillings[i * fillings]).TrimStart())];
        return new(gap, length, evidence, texts, surroundings);
    }

    /// <summary>The number of tokens of a gap; null if the vocabulary lacks a character of it.</summary>
    public static int? LengthOf(SegmentEncoder encoder, TrueGap gap)
    {
        try
        {
            TextSegment before = new TextSegment.Literal(gap.Before, Marked: false), after = new TextSegment.Literal(gap.After, Marked: false);
            return encoder.Encode([before, new TextSegment.Literal(gap.Original, Marked: true), after]).Given.Count(given => !given);
        }
        catch (InfillTextException)
        {
            return null;
        }
    }

    /// <summary>Runs steps in batches.</summary>
    public static void Run(IAnySubsetModel model, IEnumerable<IReadOnlyList<SequenceTask>> steps)
    {
        foreach (SequenceTask[] batch in steps.SelectMany(step => step.Chunk(BatchSize)))
        {
            var started = batch.Select(task => task.Start()).ToArray();
            using var loop = new SamplingLoop(model, [.. started.Select(one => one.Sampler)], [.. started.Select(one => one.Random)]);
            loop.Run(CancellationToken.None);
            for (int i = 0; i < batch.Length; i++)
                batch[i].End(started[i].Sampler);
        }
    }
}
