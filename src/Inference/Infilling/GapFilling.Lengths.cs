using AsArm.Inference.Gaps;

namespace AsArm.Inference.Infilling;

/// <content>Lengths by evidence.</content>
internal sealed partial class GapFilling
{
    /// <summary>Finds the posterior of a length and draws the length; the gap is filled later, together with those that follow.</summary>
    private IEnumerable<IReadOnlyList<SequenceTask>> ResolveLength(int index)
    {
        GapState gap = _gaps[index];
        foreach (IReadOnlyList<SequenceTask> step in FindPosterior(index, copies: 1))
            yield return step;
        gap.Length = gap.Lengths[Draw([.. gap.Lengths.Select(one => one.Probability)])].Tokens;
        (gap.IsResolved, gap.Accuracy, gap.Method) = (true, GapAccuracy.Estimate, GapMethod.Evidence);
    }

    /// <summary>Finds the posterior of the length of a gap.</summary>
    /// <param name="index">The gap.</param>
    /// <param name="copies">Number of gaps that have the same length.</param>
    private IEnumerable<IReadOnlyList<SequenceTask>> FindPosterior(int index, int copies)
    {
        GapState gap = _gaps[index];
        int[] lengths = LengthsOf(gap, copies);
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
        double[] posterior = _options.Lengths.Posterior(prior, evidence);
        gap.Lengths = [.. lengths.Select((length, i) => new LengthProbability(length, posterior[i], evidence[i]))];
    }

    /// <summary>The lengths that a gap may have, as far as the model takes them.</summary>
    private int[] LengthsOf(GapState gap, int copies)
    {
        long room = RoomOf(gap, copies);
        return [.. gap.Known.Lengths.Where((length, i) => i == 0 || length <= room).Select(length => (int)length)];
    }

    /// <summary>The number of tokens that the model takes for each of some gaps of the same length.</summary>
    private long RoomOf(GapState gap, int copies) => (_text.Encoder.Maximum - (Encode().Tokens.Length - ((long)copies * gap.Length))) / copies;

    private GapSurroundings SurroundingsOf(int index) => GapSurroundings.Of(
        Encode(), index, _options.Lengths.SuffixTokens, _options.BannedTokens, _setting.Manifest.MaskId, _setting.Manifest.VocabularySize);

    /// <summary>An index by its probability; the most probable one in greedy decoding.</summary>
    private int Draw(double[] probabilities) =>
        _options.IsGreedy ? Array.IndexOf(probabilities, probabilities.Max()) : LogWeights.Sample(probabilities, _random.NextDouble());

    /// <summary>The length with which a gap stands until its own is found: the mean of the prior, as far as the model takes it.</summary>
    private int ExpectedLength(KnownGap gap)
    {
        long maximum = gap.ShortestLength + (_text.Room / _text.Gaps.Count);
        int[] lengths = [.. gap.Lengths.TakeWhile(length => length <= maximum).Select(length => (int)length)];
        LengthPrior known = _options.Lengths.Method == LengthMethod.OpenGaps ? LengthPrior.Learnt : _options.Lengths.Prior;
        double[] prior = known.LogProbabilities(lengths);
        return (int)Math.Round(lengths.Zip(prior, (length, log) => length * Math.Exp(log)).Sum());
    }
}
