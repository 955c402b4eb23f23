using AsArm.Assd;

namespace AsArm.Inference.Tests;

/// <summary>
/// Sequences as samplers of every kind might treat them: any order and given set, proposals that are accepted in part, replaced or
/// proposed again, questions at any horizon, sequences that end, are released or just forgotten, and others that begin.
/// </summary>
internal sealed class RandomHistory
{
    private const int MostAlive = 7;
    private const int MostQuestions = 6;

    private readonly IAnySubsetModel _model;
    private readonly ICoinSource _coins;
    private readonly int _longest;
    private readonly List<(SequenceCall Call, int Decided)> _alive = [];
    private readonly List<SequenceCall> _ending = [];

    public RandomHistory(IAnySubsetModel model, long seed, int longest)
    {
        _model = model;
        _coins = new SeededCoins(seed);
        _longest = longest;
    }

    /// <summary>Tells of a sequence that will not come again.</summary>
    public event Action<SequenceCall>? Ended;

    /// <summary>The next calls, of one or many of the sequences.</summary>
    public SequenceCall[] Next()
    {
        _ending.ForEach(call => Ended?.Invoke(call));
        _ending.Clear();
        while (_alive.Count == 0 || (_alive.Count < MostAlive && _coins.Toss() < 0.3))
            _alive.Add(Begin());
        var chosen = new List<SequenceCall>();
        for (int i = _alive.Count - 1; i >= 0; i--)
        {
            if (chosen.Count > 0 && _coins.Toss() < 0.3)
                continue;
            (SequenceCall call, int decided) = _alive[i];
            decided = Math.Min(Plan(call, decided), call.Order.Length - 1);
            _alive[i] = (call, decided);
            chosen.Add(call);
            bool isLast = decided == call.Order.Length - 1;
            if (!isLast && _coins.Toss() > 0.05)
                continue;
            _alive.RemoveAt(i);
            if (_coins.Toss() < 0.8) // others are forgotten without a word
                _ending.Add(call);
        }

        return [.. chosen];
    }

    private (SequenceCall Call, int Decided) Begin()
    {
        int length = 2 + (int)(_coins.Toss() * _coins.Toss() * (_longest - 1));
        bool[] given = [.. Enumerable.Range(0, length).Select(_ => _coins.Toss() < 0.4)];
        given[Pick(length)] = true;
        given[Pick(length)] = false;
        if (!given.Contains(true))
            given[given[0] ? 0 : length - 1] = true;
        Order order = Pick(3) switch
        {
            0 => Order.LeftToRight(given),
            1 => Order.RightToLeft(given),
            _ => Order.Random(given, _coins),
        };
        int[] tokens = [.. Enumerable.Range(0, length).Select(_ => Pick(_model.VocabularySize))];
        return (new SequenceCall(order, tokens, _model.VocabularySize, MostQuestions), order.GivenCount);
    }

    /// <summary>A draft, an oracle or a mixture; then some of the known tokens are decided.</summary>
    private int Plan(SequenceCall call, int decided)
    {
        int known = Math.Min(call.Order.Length, decided + Pick(6));
        for (int rank = decided; rank < known; rank++)
        {
            if (_coins.Toss() < 0.6) // else what was proposed before is proposed again
                call.SetToken(rank, Pick(_model.VocabularySize));
            else
                call.SetToken(rank, Math.Clamp(call.Tokens[call.Order.Positions[rank]], 0, _model.VocabularySize - 1));
        }

        call.Begin(known);
        int kind = Pick(3), questions = 1 + Pick(MostQuestions);
        for (int i = 0; i < questions; i++)
        {
            int rank = Math.Min(call.Order.Length - 1, decided + (kind == 2 ? Pick(8) : i));
            rank = Math.Max(rank, call.Order.GivenCount);
            int latest = Math.Min(rank, known);
            int horizon = kind switch { 0 => Math.Min(decided, latest), 1 => latest, _ => call.Order.GivenCount + Pick(latest - call.Order.GivenCount + 1) };
            call.Ask(new Conditional(rank, horizon));
        }

        return decided + Pick(known - decided + 1);
    }

    private int Pick(int exclusive) => (int)(_coins.Toss() * exclusive);
}
