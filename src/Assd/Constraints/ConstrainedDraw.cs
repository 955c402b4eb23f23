using System.Numerics.Tensors;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Constraints;

/// <summary>
/// One draw of a sequence with step-wise restrictions, which any exact sampler makes: q of each target is restricted to the allowed tokens in oracles,
/// whatever was drafted. The draw has the weight prod Z, with Z the allowed mass of each step: the ratio of its probability under the model to that
/// of having been drawn. A <see cref="ConditionalSampling" /> creates it for one sampler, and judges it.
/// </summary>
public sealed class ConstrainedDraw
{
    private readonly ISequenceConstraint _constraint;
    private readonly bool _isFirstFree;
    private readonly double _logUniform;
    private readonly List<PrefixTree.Step> _path;
    private PrefixTree.Node? _node; // of the committed targets

    /// <param name="constraint">The constraint on the sequence.</param>
    /// <param name="node">What is known of the alternative; not changed while the draw is made.</param>
    /// <param name="alternative">The alternative, with its probability.</param>
    /// <param name="uniform">It fails as soon as its weight is not above this number; 0 for a draw that is weighed instead.</param>
    /// <param name="seed">The seed of its random numbers.</param>
    internal ConstrainedDraw(ISequenceConstraint constraint, PrefixTree.Node? node, (int Index, double Probability) alternative, double uniform, long seed)
    {
        (_constraint, _node, Alternative) = (constraint, node, alternative.Index);
        _path = [new PrefixTree.Step(1, alternative.Index, alternative.Probability)];
        _isFirstFree = alternative.Probability == 1;
        _logUniform = Math.Log(uniform);
        Random = new SplitMix64(seed);
    }

    /// <summary>The random numbers of its sampler.</summary>
    public IRandomSource Random { get; }

    /// <summary>Whether it has failed; its sampler is done then, with targets left.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>The alternative that it is a draw of, see <see cref="ConditionalSampling" />.</summary>
    public int Alternative { get; }

    /// <summary>
    /// Natural log of its weight, up to a factor that all draws of a generation share: if there is one alternative only, without the first Z, which is the
    /// same for all. Minus infinity if it met a step without an allowed token.
    /// </summary>
    public double LogWeight { get; private set; }

    /// <summary>The alternative, and what was met by rank.</summary>
    internal IReadOnlyList<PrefixTree.Step> Path => _path;

    /// <summary>Restricts the distribution of a target, given the tokens that the state has for all earlier ranks, and normalises it.</summary>
    /// <param name="state">The sequence.</param>
    /// <param name="rank">The target.</param>
    /// <param name="committed">The number of ranks with a final token.</param>
    /// <param name="mask">The tokens that it may be; null for all.</param>
    /// <param name="distribution">[V] probabilities, some of them of allowed tokens unless <paramref name="logMass" /> says that there are none; then they are not changed.</param>
    /// <param name="logMass">
    /// The natural log of what the probabilities are of the distribution of the target: 0, unless they are those of the allowed tokens alone; minus infinity if
    /// none of these is possible.
    /// </param>
    internal RowMass Restrict(SequenceState state, int rank, int committed, TokenMask? mask, Span<float> distribution, double logMass = 0)
    {
        PrefixTree.Node? node = NodeOf(state, rank, committed);
        if (mask is null && node is null)
            return RowMass.Whole;
        if (double.IsNegativeInfinity(logMass))
            return new RowMass(0, 0, node);
        double allowed = mask?.Restrict(distribution) ?? 1, scaled = allowed;
        if (node is not null)
        {
            node.Scale(distribution);
            scaled = Probabilities.TotalWeight(distribution);
        }

        if (scaled > 0)
            TensorPrimitives.Divide(distribution, (float)scaled, distribution);
        else
            distribution.Fill(1f / distribution.Length); // the draw fails whatever is drawn
        return new RowMass(allowed, scaled, node, logMass);
    }

    /// <summary>The tokens that the target of a rank may be.</summary>
    internal TokenMask? AllowedTokens(SequenceState state, int rank) => _constraint.AllowedTokens(state, rank);

    /// <summary>Records a committed token.</summary>
    /// <param name="token">The token.</param>
    /// <param name="probability">Its probability in the restricted row.</param>
    /// <param name="mass">What the restriction of the row has left.</param>
    /// <returns>Its natural log-probability before the restriction.</returns>
    internal double Commit(int token, double probability, RowMass mass)
    {
        if (HasFailed)
            return Math.Log(probability);
        bool isFree = _isFirstFree && _path.Count == 1; // the mass is the same for all draws
        if (!(mass.Scaled > 0))
        {
            _path.Add(new PrefixTree.Step(mass.Node is null ? 0 : mass.Allowed, -1, 0));
            (HasFailed, LogWeight) = (true, double.NegativeInfinity);
            return Math.Log(probability);
        }

        PrefixTree.Node? child = mass.Node?.Child(token);
        double drawn = probability * mass.Scaled / (child?.Bound ?? 1);
        double factor = Math.Exp(mass.LogFactor); // 0 at the lowest temperatures, where the tries teach nothing
        _path.Add(new PrefixTree.Step(mass.Allowed * factor, token, drawn * factor));
        _node = child;
        if (mass.Node is null && !isFree && (mass.Allowed < 1 || mass.LogFactor < 0))
            LogWeight += Math.Log(mass.Allowed) + mass.LogFactor;
        HasFailed = !(_logUniform < LogWeight);
        return Math.Log(drawn) + mass.LogFactor;
    }

    /// <summary>Ends a greedy draw that has no allowed token.</summary>
    internal void Fail() => (HasFailed, LogWeight) = (true, double.NegativeInfinity);

    private PrefixTree.Node? NodeOf(SequenceState state, int rank, int committed)
    {
        PrefixTree.Node? node = _node;
        for (int earlier = committed; earlier < rank && node is not null; earlier++)
            node = node.Child(state.Tokens[state.Order.Positions[earlier]]);
        return node;
    }
}
