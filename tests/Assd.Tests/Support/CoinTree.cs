namespace AsArm.Assd.Tests;

/// <summary>
/// The exact output law of a sampler by enumeration of its coins. Every toss splits [0, 1) into stretches that lead to the same
/// state; their ends are found by bisection to the last bit, and each stretch is followed with its length as probability. It is the
/// library's own code that runs, so what the law misses is its rounding.
/// </summary>
internal sealed class CoinTree
{
    /// <summary>
    /// Equal parts of [0, 1) that are looked at first, so that two stretches of one state with another between them are told apart:
    /// a draw from n-grams goes through the listed tokens and then through all. A stretch that is missed shows as a wrong law.
    /// </summary>
    private const int UsualGrid = 96;

    private readonly Func<Sampler> _create;
    private readonly RowModel _model;
    private readonly int _grid;
    private readonly ReplayedCoins _coins = new();

    public CoinTree(Func<Sampler> create, RowModel model, int grid = UsualGrid)
    {
        _create = create;
        _model = model;
        _grid = grid;
        Sampler sampler = create();
        Law = new double[Outcome.Count(sampler.Call.Order.TargetCount, model.VocabularySize)];
        Follow(1);
    }

    /// <summary>[V^targets].</summary>
    public double[] Law { get; }

    /// <summary>E[NFE].</summary>
    public double ExpectedNfe { get; private set; }

    /// <summary>Different runs.</summary>
    public int Leaves { get; private set; }

    /// <summary>Half the sum of absolute differences.</summary>
    public double TotalVariation(double[] other) => Law.Zip(other, (mine, its) => Math.Abs(mine - its)).Sum() / 2;

    /// <summary>The largest difference of one outcome.</summary>
    public double WorstDifference(double[] other) => Law.Zip(other, (mine, its) => Math.Abs(mine - its)).Max();

    private void Follow(double probability)
    {
        if (Run() is Sampler finished)
        {
            Leaves++;
            Law[Outcome.Index(finished, _model.VocabularySize)] += probability;
            ExpectedNfe += probability * finished.Statistics.Nfe;
            return;
        }

        _coins.Played.Add(0);
        double[] ends = StretchEnds();
        double start = 0;
        foreach (double end in ends)
        {
            _coins.Played[^1] = start + (end - start) / 2;
            Follow(probability * (end - start));
            start = end;
        }

        _coins.Played.RemoveAt(_coins.Played.Count - 1);
    }

    /// <summary>Where the state changes with the last coin; the last end is 1.</summary>
    private double[] StretchEnds()
    {
        var ends = new List<double>();
        double coin = 0;
        ulong state = StateAt(0);
        for (int i = 1; i <= _grid; i++)
        {
            double next = i < _grid ? (double)i / _grid : Math.BitDecrement(1.0);
            ulong nextState = StateAt(next);
            while (state != nextState)
            {
                coin = FirstOther(coin, next, state);
                state = StateAt(coin);
                ends.Add(coin);
            }

            coin = next;
        }

        return [.. ends, 1];
    }

    /// <summary>Bisects between a coin with a state and one with another.</summary>
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

    private ulong StateAt(double coin)
    {
        _coins.Played[^1] = coin;
        Run();
        return _coins.State;
    }

    /// <summary>Plays the coins; the sampler if they last to its end, else null, and the state in which it asked for one more.</summary>
    private Sampler? Run()
    {
        Sampler sampler = _create();
        _coins.Begin(sampler);
        var loop = new SamplingLoop(_model, [sampler], [_coins]);
        while (!_coins.IsOver && loop.Step(CancellationToken.None))
        {
        }

        if (_coins.IsOver)
            return null;
        _coins.Note();
        return sampler;
    }

    /// <summary>Given coins, then any; notes the sampler's state when the given ones have run out.</summary>
    private sealed class ReplayedCoins : ICoinSource
    {
        private Sampler? _sampler;
        private int _next;

        public List<double> Played { get; } = [];

        public bool IsOver => _next > Played.Count;

        /// <summary>All that the next toss can depend on: tokens, proposals, counts.</summary>
        public ulong State { get; private set; }

        public void Begin(Sampler sampler)
        {
            _sampler = sampler;
            _next = 0;
        }

        public double Toss()
        {
            if (_next == Played.Count)
                Note();
            return _next < Played.Count ? Played[_next++] : Rest();
        }

        public void Note()
        {
            SamplingStatistics statistics = _sampler!.Statistics;
            ulong state = 14695981039346656037;
            Mix(ref state, _sampler.Decided);
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
