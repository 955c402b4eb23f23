using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Constraints;

/// <summary>
/// Draws one sequence from the distribution of a model given a constraint. Masking alone would sample from another distribution: a draw with step-wise
/// masks has the weight prod Z. First by rejection, which is exact; if no try is kept, by resampling among weighted draws, which is an estimate.
/// </summary>
/// <remarks>
/// Draws come in generations. The caller makes all draws of a generation, in any order and together with others, each by a sampler that has it as its
/// <see cref="Samplers.Sampler.Constraint" />, and then calls <see cref="EndGeneration" />. What the draws of a generation have taught is used from the next one on, and
/// of those that are kept the first one counts: a kept try has the conditional distribution whatever happened to the others.
/// </remarks>
public sealed class ConditionalSampling
{
    /// <summary>The default of the largest number of tries: with 256 a constraint of probability 1 % is met with probability 92 %, without what the tries teach.</summary>
    public const int DefaultMaxTries = 256;

    /// <summary>The default number of particles.</summary>
    public const int DefaultParticles = 64;

    /// <summary>The largest number of tries in a generation.</summary>
    private const int MaxGeneration = 16;

    /// <summary>Bounds below are rounding of float32 probabilities, which teaches nothing.</summary>
    private const double MinBound = 1e-5;

    private readonly (ISequenceConstraint Constraint, double Probability)[] _alternatives;
    private readonly SplitMix64 _random;
    private readonly bool _isGreedy;
    private readonly int _maxTries;
    private readonly int _particles;
    private PrefixTree _tree = new();
    private List<ConstrainedDraw> _draws = [];
    private int _tries;
    private bool _isEstimate; // the generation is one of weighted draws

    /// <summary>Sampling from one sequence.</summary>
    /// <param name="constraint">The constraint.</param>
    /// <param name="options">The distribution; only whether it is greedy matters.</param>
    /// <param name="seed">The seed of all random numbers.</param>
    /// <param name="maxTries">The largest number of tries to be exact; 0 goes straight to an estimate.</param>
    /// <param name="particles">The number of weighted draws of an estimate, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public ConditionalSampling(
        ISequenceConstraint constraint, SamplingOptions options, long seed, int maxTries = DefaultMaxTries, int particles = DefaultParticles)
        : this([(constraint, 1)], options, seed, maxTries, particles)
    {
    }

    /// <summary>Sampling from several sequences, such as those of different lengths: first one of them, by its probability, and then its targets, all together given the constraint.</summary>
    /// <param name="alternatives">A constraint for each sequence, and the probability of the sequence without it; these need not sum to one.</param>
    /// <param name="options">The distribution; only whether it is greedy matters.</param>
    /// <param name="seed">The seed of all random numbers.</param>
    /// <param name="maxTries">The largest number of tries to be exact; 0 goes straight to an estimate.</param>
    /// <param name="particles">The number of weighted draws of an estimate, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public ConditionalSampling(
        IReadOnlyList<(ISequenceConstraint Constraint, double Probability)> alternatives,
        SamplingOptions options,
        long seed,
        int maxTries = DefaultMaxTries,
        int particles = DefaultParticles)
    {
        ArgumentNullException.ThrowIfNull(alternatives);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(maxTries);
        ArgumentOutOfRangeException.ThrowIfLessThan(particles, 1);
        double sum = alternatives.Sum(alternative => alternative.Probability);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sum, nameof(alternatives));
        _alternatives = [.. alternatives.Select(alternative => (alternative.Constraint, alternative.Probability / sum))];
        (_isGreedy, _maxTries, _particles) = (options.IsGreedy, maxTries, particles);
        _random = new SplitMix64(seed);
    }

    /// <summary>The draw that was chosen; null if there is none yet, or none meets the constraint.</summary>
    public ConstrainedDraw? Chosen { get; private set; }

    /// <summary>Whether there is nothing more to draw.</summary>
    public bool IsDone { get; private set; }

    /// <summary>How it was drawn, once it is done.</summary>
    public ConditionalStatistics? Statistics { get; private set; }

    /// <summary>An upper bound of the probability that a draw of the model meets the constraint, as far as the tries have shown.</summary>
    public double Bound => _tree.Root.Bound;

    /// <summary>Begins the next generation of draws, each for a sampler of its own.</summary>
    /// <exception cref="InvalidOperationException">It is done, or a generation has not ended.</exception>
    public IReadOnlyList<ConstrainedDraw> BeginGeneration()
    {
        if (IsDone || _draws.Count > 0)
            throw new InvalidOperationException(IsDone ? "It is done." : "The generation before has not ended.");
        bool hasChance = LeftOver >= MinBound;
        bool rejects = !_isGreedy && _tries < _maxTries && hasChance;
        if (!rejects && !hasChance)
            _tree = new PrefixTree();
        int count = _isGreedy ? 1 : rejects ? Math.Min(Math.Min(Math.Max(1, 3 * _tries), MaxGeneration), _maxTries - _tries) : _particles;
        for (int i = 0; i < count; i++)
            _draws.Add(NewDraw(rejects));
        _tries += rejects ? count : 0;
        _isEstimate = !rejects && !_isGreedy;
        return _draws;
    }

    /// <summary>Judges the draws of the generation, which all samplers have made.</summary>
    public void EndGeneration()
    {
        List<ConstrainedDraw> draws = _draws;
        _draws = [];
        if (_isGreedy)
            End(draws[0].HasFailed ? null : draws[0], new(ConditionalMethod.Greedy, 1, 0, 0));
        else if (_isEstimate)
            Resample(draws);
        else
            Judge(draws);
    }

    /// <summary>
    /// What the tries have left of the probability. If there is one alternative only, the allowed mass of the first step is the same for all tries, and what is left
    /// counts relative to it. Next to nothing means that what is left is rounding.
    /// </summary>
    private double LeftOver => _alternatives.Length == 1 && _tree.Root.Child(0) is PrefixTree.Node first && first.AllowedMass > 0 ? first.Bound / first.AllowedMass : Bound;

    /// <summary>Draws an alternative: by its probability and by what is known of it, or the most probable one.</summary>
    private ConstrainedDraw NewDraw(bool rejects)
    {
        double[] weights = [.. _alternatives.Select((one, index) => one.Probability * (_tree.Root.Child(index)?.Bound ?? 1))];
        int chosen = _alternatives.Length == 1 ? 0
            : _isGreedy ? Array.IndexOf(weights, weights.Max())
            : DoubleWeights.Sample(weights, _random.NextDouble() * weights.Sum());
        return new ConstrainedDraw(
            _alternatives[chosen].Constraint, _tree.Root.Child(chosen), (chosen, _alternatives[chosen].Probability), rejects ? _random.NextDouble() : 0, NextSeed());
    }

    private void Judge(List<ConstrainedDraw> draws)
    {
        int kept = draws.FindIndex(draw => !draw.HasFailed);
        if (kept >= 0)
        {
            End(draws[kept], new(ConditionalMethod.Exact, _tries - draws.Count + kept + 1, 0, 0));
            return;
        }

        foreach (ConstrainedDraw draw in draws)
            _tree.Add(draw.Path);
    }

    private void Resample(List<ConstrainedDraw> draws)
    {
        double largest = draws.Max(draw => draw.LogWeight);
        if (double.IsNegativeInfinity(largest))
        {
            End(null, new(ConditionalMethod.Estimate, _tries, draws.Count, 0));
            return;
        }

        double[] weights = [.. draws.Select(draw => Math.Exp(draw.LogWeight - largest))];
        double sum = weights.Sum();
        int chosen = DoubleWeights.Sample(weights, _random.NextDouble() * sum);
        End(draws[chosen], new(ConditionalMethod.Estimate, _tries, draws.Count, sum * sum / weights.Sum(weight => weight * weight)));
    }

    private void End(ConstrainedDraw? chosen, ConditionalStatistics statistics) => (Chosen, Statistics, IsDone) = (chosen, statistics, true);

    private long NextSeed() => (long)(_random.NextDouble() * (1L << 53));
}
