using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Gaps;

/// <summary>
/// The most probable fillings of a gap, by their joint probability given everything that is given: from left to right, with the most probable beginnings kept
/// (beams). A filling is at most as probable as its beginning. So fillings that are more probable than every beginning that was dropped are the most probable ones of all.
/// </summary>
/// <param name="order">The order, in which the tokens of the gap are the first targets.</param>
/// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
/// <param name="options">Temperature, top-k, top-p and bans.</param>
/// <param name="vocabularySize">V.</param>
/// <param name="length">Number of tokens of the gap.</param>
/// <param name="beams">The maximum number of beams, at least 1.</param>
internal sealed class BeamSearch(Order order, int[] tokens, SamplingOptions options, int vocabularySize, int length, int beams)
{
    /// <summary>The beams, the most probable first; fillings once the steps are done.</summary>
    public IReadOnlyList<Beam> Beams { get; private set; } = [new Beam([], [])];

    /// <summary>The log-probability of the most probable beginning or filling that was dropped; minus infinity if there is none.</summary>
    public double LargestDropped { get; private set; } = double.NegativeInfinity;

    /// <summary>Whether the first fillings are certainly the most probable ones; if there are fewer of them, whether there are no others.</summary>
    /// <param name="count">Their number, at least 1.</param>
    public bool IsExact(int count) => (count <= Beams.Count ? Beams[count - 1].LogProbability : double.NegativeInfinity) >= LargestDropped;

    /// <summary>The steps, one for each token: the beams share forward passes.</summary>
    public IEnumerable<IReadOnlyList<SequenceTask>> Steps()
    {
        for (int known = 0; known < length; known++)
        {
            var next = new IReadOnlyList<TokenProbability>[Beams.Count];
            yield return [.. Beams.Select((beam, index) => Evaluate(beam, top => next[index] = top))];
            Extend(next);
        }
    }

    private SequenceTask Evaluate(Beam beam, Action<IReadOnlyList<TokenProbability>> end)
    {
        int[] filled = [.. tokens];
        for (int i = 0; i < beam.Tokens.Length; i++)
            filled[order.Positions[order.GivenCount + i]] = beam.Tokens[i];
        int count = beams == int.MaxValue ? beams : beams + 1; // the one that is dropped is known too
        return new(
            () => (new NextTokensSampler(order, filled, beam.Tokens.Length, options, vocabularySize, count), new SplitMix64(0)),
            sampler => end(((NextTokensSampler)sampler).NextTokens));
    }

    /// <summary>Keeps the most probable ones of all beams with a token more. Among equals the order is that of the beams, then of the tokens.</summary>
    private void Extend(IReadOnlyList<TokenProbability>[] next)
    {
        var extended = Beams.Zip(next).SelectMany(pair => pair.Second.Select(one => (Beam: pair.First, one.Token, Log: Math.Log(one.Probability))))
            .OrderByDescending(one => one.Beam.LogProbability + one.Log).Take(beams == int.MaxValue ? beams : beams + 1).ToList();
        if (extended.Count > beams)
        {
            LargestDropped = Math.Max(LargestDropped, extended[^1].Beam.LogProbability + extended[^1].Log);
            extended.RemoveAt(extended.Count - 1);
        }

        Beams = [.. extended.Select(one => one.Beam.With(one.Token, one.Log))];
    }
}
