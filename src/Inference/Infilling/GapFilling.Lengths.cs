using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <content>Lengths by evidence.</content>
internal sealed partial class GapFilling
{
    private IEnumerable<IReadOnlyList<SequenceTask>> Resolve(int index) => ResolveLength(_gaps[index], index);

    /// <summary>Finds the posterior of a length and draws the length; the gap is filled later, together with those that follow.</summary>
    private IEnumerable<IReadOnlyList<SequenceTask>> ResolveLength(GapState gap, int index)
    {
        int[] lengths = LengthsOf(gap);
        var evidence = new double[lengths.Length];
        GapSurroundings surroundings = SurroundingsOf(index);
        if (surroundings.After.Length > 0 && lengths.Length > 1)
        {
            var found = new LengthEvidence(surroundings, lengths, _options.Lengths.Fillings);
            foreach (IReadOnlyList<SequenceTask> step in found.Steps())
                yield return step;
            evidence = found.LogEvidence();
        }

        double[] prior = _options.Lengths.Prior.LogProbabilities(lengths);
        double[] posterior = LogWeights.Normalise([.. prior.Zip(evidence, (log, other) => log + other)]);
        gap.Lengths = [.. lengths.Select((length, i) => new LengthProbability(length, posterior[i], evidence[i]))];
        gap.Length = lengths[Draw(posterior)];
        (gap.IsResolved, gap.Accuracy, gap.Method) = (true, GapAccuracy.Estimate, GapMethod.Evidence);
    }

    /// <summary>The lengths that a gap may have, as far as the model takes them.</summary>
    private int[] LengthsOf(GapState gap)
    {
        (long minimum, long maximum) = (gap.Specification.MinTokens!.Value, gap.Specification.MaxTokens!.Value);
        long room = _text.Encoder.Maximum - (Encode().Tokens.Length - gap.Length);
        return [.. Enumerable.Range((int)minimum, (int)(Math.Max(minimum, Math.Min(maximum, room)) - minimum) + 1)];
    }

    private GapSurroundings SurroundingsOf(int index) => GapSurroundings.Of(
        Encode(), index, _options.Lengths.SuffixTokens, _options.BannedTokens, _setting.Manifest.MaskId, _setting.Manifest.VocabularySize);

    /// <summary>An index by its probability; the most probable one in greedy decoding.</summary>
    private int Draw(double[] probabilities) =>
        _options.IsGreedy ? Array.IndexOf(probabilities, probabilities.Max()) : LogWeights.Sample(probabilities, _random.NextDouble());

    /// <summary>The length with which a gap stands until its own is found: the mean of the prior, as far as the model takes it.</summary>
    private int ExpectedLength(GapSpecification gap)
    {
        long minimum = GapText.ShortestOf(gap), maximum = Math.Min(gap.MaxTokens ?? GapSpecification.DefaultMaxTokens, minimum + (_text.Room / _text.Gaps.Length));
        int[] lengths = [.. Enumerable.Range((int)minimum, (int)(maximum - minimum) + 1)];
        double[] prior = _options.Lengths.Prior.LogProbabilities(lengths);
        return (int)Math.Round(lengths.Zip(prior, (length, log) => length * Math.Exp(log)).Sum());
    }
}
