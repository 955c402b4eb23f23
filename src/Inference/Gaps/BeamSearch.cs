using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Gaps;

/// <summary>
/// The most probable fillings of a gap, by their joint probability given everything that is given: from left to right, with the most probable beginnings kept
/// (beams). A filling is at most as probable as its beginning. So fillings that are more probable than every beginning that was dropped are the most probable ones of all.
/// Memory is that of the beams, however many tokens each may be continued with.
/// </summary>
/// <param name="order">The order, in which the tokens of the gap are the first targets.</param>
/// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
/// <param name="options">Temperature, top-k, top-p and bans.</param>
/// <param name="vocabularySize">V.</param>
/// <param name="length">Number of tokens of the gap.</param>
/// <param name="beams">The maximum number of beams, at least 1.</param>
internal sealed class BeamSearch(Order order, int[] tokens, SamplingOptions options, int vocabularySize, int length, int beams)
{
    private readonly int _kept = Math.Min(beams, int.MaxValue - 1) + 1; // the first that is dropped is known too
    private readonly PriorityQueue<(int Token, double LogProbability), (double Total, int Beam, int Place)> _next = new(); // its first is the least probable

    /// <summary>The beams, the most probable first; fillings once the steps are done.</summary>
    public IReadOnlyList<Beam> Beams { get; private set; } = [new Beam([], [])];

    /// <summary>The log-probability of the most probable beginning or filling that was dropped; minus infinity if there is none.</summary>
    public double LargestDropped { get; private set; } = double.NegativeInfinity;

    /// <summary>The log-probability below which fillings are not wanted: their beginnings are left out, and do not count as dropped.</summary>
    public double Floor { get; init; } = double.NegativeInfinity;

    /// <summary>Whether the first fillings are certainly the most probable ones; if there are fewer of them, whether there are no others.</summary>
    /// <param name="count">Their number, at least 1.</param>
    public bool IsExact(int count) => (count <= Beams.Count ? Beams[count - 1].LogProbability : double.NegativeInfinity) >= LargestDropped;

    /// <summary>The steps: for each token those of all beams.</summary>
    /// <param name="size">The maximum number of sequences of a step.</param>
    public IEnumerable<IReadOnlyList<SequenceTask>> Steps(int size)
    {
        for (int known = 0; known < length; known++)
        {
            foreach ((int Index, Beam Item)[] some in Beams.Index().Chunk(size))
                yield return [.. some.Select(entry => Evaluate(entry.Index, entry.Item))];
            Extend();
        }
    }

    private SequenceTask Evaluate(int index, Beam beam) => new(
        () =>
        {
            int[] filled = [.. tokens];
            for (int i = 0; i < beam.Tokens.Length; i++)
                filled[order.Positions[order.GivenCount + i]] = beam.Tokens[i];
            return (new NextTokensSampler(order, filled, beam.Tokens.Length, options, vocabularySize, _kept), new SplitMix64(0));
        },
        sampler =>
        {
            foreach ((int place, TokenProbability next) in ((NextTokensSampler)sampler).NextTokens.Index())
                Add(index, place, next.Token, Math.Log(next.Probability), beam.LogProbability);
        });

    /// <summary>Keeps a beam with a token more if it is among the most probable ones. Among equals the order is that of the beams, then of the tokens.</summary>
    private void Add(int beam, int place, int token, double logProbability, double logBeginning)
    {
        (double Total, int, int) priority = (logBeginning + logProbability, -beam, -place);
        if (priority.Total < Floor)
            return;
        if (_next.Count < _kept)
            _next.Enqueue((token, logProbability), priority);
        else
            _next.EnqueueDequeue((token, logProbability), priority);
    }

    private void Extend()
    {
        var extended = new Beam[Math.Min(_next.Count, beams)];
        if (_next.Count > beams)
        {
            _next.TryDequeue(out _, out (double Total, int, int) dropped);
            LargestDropped = Math.Max(LargestDropped, dropped.Total);
        }

        for (int i = extended.Length - 1; i >= 0; i--)
        {
            _next.TryDequeue(out (int Token, double LogProbability) next, out (double, int Beam, int) priority);
            extended[i] = Beams[-priority.Beam].With(next.Token, next.LogProbability);
        }

        Beams = extended;
    }
}
