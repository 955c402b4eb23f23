using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>
/// Random forward passes as samplers of any kind might make them: any order and given tokens; draft tokens that are accepted in part, replaced or
/// drafted again; queries at any horizon; sequences that start, end, and are released or not.
/// </summary>
internal sealed class RandomHistory
{
    private const int MaxActive = 7;
    private const int MaxQueries = 6;

    private readonly IAnySubsetModel _model;
    private readonly IRandomSource _random;
    private readonly int _maxLength;
    private readonly List<(SequenceState State, int Committed)> _active = [];
    private readonly List<SequenceState> _ending = [];

    public RandomHistory(IAnySubsetModel model, long seed, int maxLength)
    {
        _model = model;
        _random = new SplitMix64(seed);
        _maxLength = maxLength;
    }

    /// <summary>Raised for a sequence that is to be released.</summary>
    public event Action<SequenceState>? Ended;

    /// <summary>The states of the next forward pass, of one or more sequences.</summary>
    public SequenceState[] Next()
    {
        _ending.ForEach(state => Ended?.Invoke(state));
        _ending.Clear();
        while (_active.Count == 0 || (_active.Count < MaxActive && _random.NextDouble() < 0.3))
            _active.Add(Start());
        var chosen = new List<SequenceState>();
        for (int i = _active.Count - 1; i >= 0; i--)
        {
            if (chosen.Count > 0 && _random.NextDouble() < 0.3)
                continue;
            (SequenceState state, int committed) = _active[i];
            committed = Math.Min(SetQueries(state, committed), state.Order.Length - 1);
            _active[i] = (state, committed);
            chosen.Add(state);
            bool isLast = committed == state.Order.Length - 1;
            if (!isLast && _random.NextDouble() > 0.05)
                continue;
            _active.RemoveAt(i);
            if (_random.NextDouble() < 0.8) // others are never released
                _ending.Add(state);
        }

        return [.. chosen];
    }

    private (SequenceState State, int Committed) Start()
    {
        int length = 2 + (int)(_random.NextDouble() * _random.NextDouble() * (_maxLength - 1));
        bool[] given = [.. Enumerable.Range(0, length).Select(_ => _random.NextDouble() < 0.4)];
        given[Pick(length)] = true;
        given[Pick(length)] = false;
        if (!given.Contains(true))
            given[given[0] ? 0 : length - 1] = true;
        Order order = Pick(3) switch
        {
            0 => Order.LeftToRight(given),
            1 => Order.RightToLeft(given),
            _ => Order.Random(given, _random),
        };
        int[] tokens = [.. Enumerable.Range(0, length).Select(_ => Pick(_model.VocabularySize))];
        return (new SequenceState(order, tokens, _model.VocabularySize, MaxQueries), order.GivenCount);
    }

    /// <summary>Adds draft, oracle or mixed queries. Returns the number of ranks that are committed afterwards.</summary>
    private int SetQueries(SequenceState state, int committed)
    {
        int known = Math.Min(state.Order.Length, committed + Pick(6));
        for (int rank = committed; rank < known; rank++)
        {
            if (_random.NextDouble() < 0.6) // else the same token is drafted again
                state.SetToken(rank, Pick(_model.VocabularySize));
            else
                state.SetToken(rank, Math.Clamp(state.Tokens[state.Order.Positions[rank]], 0, _model.VocabularySize - 1));
        }

        state.BeginForwardPass(known);
        int kind = Pick(3), queries = 1 + Pick(MaxQueries);
        for (int i = 0; i < queries; i++)
        {
            int rank = Math.Min(state.Order.Length - 1, committed + (kind == 2 ? Pick(8) : i));
            rank = Math.Max(rank, state.Order.GivenCount);
            int latest = Math.Min(rank, known);
            int horizon = kind switch { 0 => Math.Min(committed, latest), 1 => latest, _ => state.Order.GivenCount + Pick(latest - state.Order.GivenCount + 1) };
            state.AddQuery(new Conditional(rank, horizon));
        }

        return committed + Pick(known - committed + 1);
    }

    private int Pick(int exclusive) => (int)(_random.NextDouble() * exclusive);
}
