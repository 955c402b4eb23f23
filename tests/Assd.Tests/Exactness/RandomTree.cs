using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// The exact output distribution of a sampler by enumeration of its random numbers. Every toss splits [0, 1) into stretches that lead to the same
/// state; their ends are found by bisection to the last bit, and each stretch is followed with its length as probability. It is the
/// library's own code that runs, so what the distribution misses is its rounding.
/// </summary>
internal sealed class RandomTree
{
    /// <summary>
    /// Equal parts of [0, 1) that are looked at first, so that two stretches of one state with another between them are told apart:
    /// a draw from n-grams goes through the listed tokens and then through all. A stretch that is missed shows as a wrong distribution.
    /// </summary>
    private const int DefaultGrid = 96;

    private readonly Func<Sampler> _create;
    private readonly RowModel _model;
    private readonly int _grid;
    private readonly ReplayedRandom _random = new();

    public RandomTree(Func<Sampler> create, RowModel model, int grid = DefaultGrid)
    {
        _create = create;
        _model = model;
        _grid = grid;
        Sampler sampler = create();
        Distribution = new double[Outcome.Count(sampler.State.Order.TargetCount, model.VocabularySize)];
        Follow(1);
    }

    /// <summary>[V^targets].</summary>
    public double[] Distribution { get; }

    /// <summary>E[NFE].</summary>
    public double ExpectedNfe { get; private set; }

    /// <summary>Different runs.</summary>
    public int Leaves { get; private set; }

    /// <summary>Half the sum of absolute differences.</summary>
    public double TotalVariation(double[] other) => Distribution.Zip(other, (mine, its) => Math.Abs(mine - its)).Sum() / 2;

    /// <summary>The largest difference of one outcome.</summary>
    public double WorstDifference(double[] other) => Distribution.Zip(other, (mine, its) => Math.Abs(mine - its)).Max();

    private void Follow(double probability)
    {
        if (Run() is Sampler finished)
        {
            Leaves++;
            Distribution[Outcome.Index(finished, _model.VocabularySize)] += probability;
            ExpectedNfe += probability * finished.Statistics.Nfe;
            return;
        }

        _random.Played.Add(0);
        double[] ends = StretchEnds();
        double start = 0;
        foreach (double end in ends)
        {
            _random.Played[^1] = start + (end - start) / 2;
            Follow(probability * (end - start));
            start = end;
        }

        _random.Played.RemoveAt(_random.Played.Count - 1);
    }

    /// <summary>Where the state changes with the last random number; the last end is 1.</summary>
    private double[] StretchEnds()
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
                uniform = FirstOther(uniform, next, state);
                state = StateAt(uniform);
                ends.Add(uniform);
            }

            uniform = next;
        }

        return [.. ends, 1];
    }

    /// <summary>Bisects between a random number with a state and one with another.</summary>
    private double FirstOther(double same, double other, ulong state)
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
        _random.Played[^1] = uniform;
        Run();
        return _random.State;
    }

    /// <summary>Plays the random numbers; the sampler if they last to its end, else null, and the state in which it asked for one more.</summary>
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
        _random.MarkCached();
        return sampler;
    }

    /// <summary>Given random numbers, then any; notes the sampler's state when the given ones have run out.</summary>
    private sealed class ReplayedRandom : IRandomSource
    {
        private Sampler? _sampler;
        private int _next;

        public List<double> Played { get; } = [];

        public bool IsOver => _next > Played.Count;

        /// <summary>All that the next toss can depend on: tokens, draft tokens, counts.</summary>
        public ulong State { get; private set; }

        public void Begin(Sampler sampler)
        {
            _sampler = sampler;
            _next = 0;
        }

        public double NextDouble()
        {
            if (_next == Played.Count)
                MarkCached();
            return _next < Played.Count ? Played[_next++] : Rest();
        }

        public void MarkCached()
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

        private double Rest()
        {
            _next++;
            return 0.5;
        }

        /// <summary>FNV-1a.</summary>
        private static void Mix(ref ulong state, int value) => state = unchecked((state ^ (uint)value) * 1099511628211);
    }
}
