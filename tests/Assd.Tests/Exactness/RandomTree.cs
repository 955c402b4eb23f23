using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// The exact output distribution of a sampler, by enumeration of its random numbers. Every random number splits [0, 1) into intervals
/// that lead to the same state. Their ends are found by bisection to the last bit, and each interval is followed with its length as
/// probability. The library's own code runs, so that the distribution includes its rounding.
/// </summary>
internal sealed class RandomTree
{
    /// <summary>
    /// The number of equal parts of [0, 1) that are searched separately, as a state may have several intervals: a draw from n-grams goes
    /// through the listed tokens and then through all. A missed interval shows as a wrong distribution.
    /// </summary>
    private const int DefaultGrid = 96;

    private readonly Func<Sampler> _create;
    private readonly RowModel _model;
    private readonly int _grid;
    private readonly Func<Sampler, double> _weight;
    private readonly ReplayedRandom _random = new();

    public RandomTree(Func<Sampler> create, RowModel model, int grid = DefaultGrid, Func<Sampler, double>? weight = null)
    {
        _create = create;
        _model = model;
        _grid = grid;
        _weight = weight ?? (_ => 1);
        Sampler sampler = create();
        Distribution = new double[Outcome.Count(sampler.State.Order.TargetCount, model.VocabularySize)];
        Follow(1);
    }

    /// <summary>[V^targets] the output distribution.</summary>
    public double[] Distribution { get; }

    /// <summary>E[NFE].</summary>
    public double ExpectedNfe { get; private set; }

    /// <summary>The number of distinct runs.</summary>
    public int Leaves { get; private set; }

    /// <summary>Half the sum of absolute differences.</summary>
    public double TotalVariation(double[] other) => Distribution.Zip(other, (left, right) => Math.Abs(left - right)).Sum() / 2;

    /// <summary>The largest difference of one outcome.</summary>
    public double WorstDifference(double[] other) => Distribution.Zip(other, (left, right) => Math.Abs(left - right)).Max();

    private void Follow(double probability)
    {
        if (Run() is Sampler finished)
        {
            Leaves++;
            double weight = _weight(finished);
            if (weight > 0)
                Distribution[Outcome.Index(finished, _model.VocabularySize)] += probability * weight;
            ExpectedNfe += probability * finished.Statistics.Nfe;
            return;
        }

        _random.Numbers.Add(0);
        double[] ends = IntervalEnds();
        double start = 0;
        foreach (double end in ends)
        {
            _random.Numbers[^1] = start + (end - start) / 2;
            Follow(probability * (end - start));
            start = end;
        }

        _random.Numbers.RemoveAt(_random.Numbers.Count - 1);
    }

    /// <summary>The ends of the intervals of the last random number; the last one is 1.</summary>
    private double[] IntervalEnds()
    {
        var ends = new List<double>();
        double uniform = 0;
        ulong state = StateAt(0);
        for (int i = 1; i <= _grid; i++)
        {
            double next = i < _grid ? (double)i / _grid : Math.BitDecrement(1.0);
            ulong nextState = StateAt(next);
            while (state != nextState)
            {
                uniform = FirstWithOtherState(uniform, next, state);
                state = StateAt(uniform);
                ends.Add(uniform);
            }

            uniform = next;
        }

        return [.. ends, 1];
    }

    /// <summary>The smallest random number with another state, by bisection between one with the state and one with another.</summary>
    private double FirstWithOtherState(double same, double other, ulong state)
    {
        while (true)
        {
            double middle = same + (other - same) / 2;
            if (middle == same || middle == other)
                return other;
            if (StateAt(middle) == state)
                same = middle;
            else
                other = middle;
        }
    }

    private ulong StateAt(double uniform)
    {
        _random.Numbers[^1] = uniform;
        Run();
        return _random.State;
    }

    /// <summary>Runs a sampler with the given random numbers. Null if it draws one more, whose preceding state is then recorded.</summary>
    private Sampler? Run()
    {
        Sampler sampler = _create();
        _random.Begin(sampler);
        var loop = new SamplingLoop(_model, [sampler], [_random]);
        while (!_random.IsOver && loop.Step(CancellationToken.None))
        {
        }

        if (_random.IsOver)
            return null;
        _random.RecordState();
        return sampler;
    }

    /// <summary>Given random numbers, then a constant; records the state of the sampler when the given ones are used up.</summary>
    private sealed class ReplayedRandom : IRandomSource
    {
        private Sampler? _sampler;
        private int _next;

        public List<double> Numbers { get; } = [];

        public bool IsOver => _next > Numbers.Count;

        /// <summary>A hash of all that later draws can depend on: tokens, draft tokens, counts.</summary>
        public ulong State { get; private set; }

        public void Begin(Sampler sampler)
        {
            _sampler = sampler;
            _next = 0;
        }

        public double NextDouble()
        {
            if (_next == Numbers.Count)
                RecordState();
            return _next < Numbers.Count ? Numbers[_next++] : AfterTheEnd();
        }

        public void RecordState()
        {
            SamplingStatistics statistics = _sampler!.Statistics;
            ulong state = 14695981039346656037;
            Mix(ref state, _sampler.Committed);
            Mix(ref state, statistics.Accepted);
            Mix(ref state, statistics.Drafted);
            Mix(ref state, statistics.Nfe);
            foreach (int token in _sampler.Tokens)
                Mix(ref state, token);
            State = state;
        }

        private double AfterTheEnd()
        {
            _next++;
            return 0.5;
        }

        /// <summary>FNV-1a.</summary>
        private static void Mix(ref ulong state, int value) => state = unchecked((state ^ (uint)value) * 1099511628211);
    }
}
