namespace AsArm.Inference.Patterns;

/// <summary>A nondeterministic automaton over UTF-16 code units (Thompson's construction). State 0 is the start, 1 accepts.</summary>
internal sealed class Nfa
{
    /// <summary>The start.</summary>
    public const int Start = 0;

    /// <summary>The state that accepts.</summary>
    public const int Accepting = 1;

    private readonly List<State> _states = [new(), new()];

    private Nfa()
    {
    }

    /// <summary>The states.</summary>
    public IReadOnlyList<State> States => _states;

    /// <summary>Builds the automaton of an expression.</summary>
    public static Nfa Of(PatternNode node)
    {
        var nfa = new Nfa();
        nfa.Connect(Start, node, Accepting);
        return nfa;
    }

    private int Add()
    {
        _states.Add(new State());
        return _states.Count - 1;
    }

    private void Connect(int from, PatternNode node, int to)
    {
        switch (node)
        {
            case PatternNode.Set set:
                int unit = Add();
                _states[from].Free.Add(unit);
                _states[unit] = new State { Characters = set.Characters, Target = to };
                break;
            case PatternNode.Sequence sequence:
                foreach (PatternNode part in sequence.Parts)
                {
                    int next = Add();
                    Connect(from, part, next);
                    from = next;
                }

                _states[from].Free.Add(to);
                break;
            case PatternNode.Alternation alternation:
                foreach (PatternNode branch in alternation.Branches)
                    Connect(from, branch, to);
                break;
            case PatternNode.Repeat repeat:
                Repeat(from, repeat, to);
                break;
        }
    }

    private void Repeat(int from, PatternNode.Repeat repeat, int to)
    {
        for (int i = 0; i < repeat.Min; i++)
            from = After(from, repeat.Inner);
        if (repeat.Max is null)
        {
            int loop = Add();
            _states[from].Free.Add(loop);
            Connect(loop, repeat.Inner, loop);
            from = loop;
        }

        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            _states[from].Free.Add(to);
            from = After(from, repeat.Inner);
        }

        _states[from].Free.Add(to);
    }

    private int After(int from, PatternNode node)
    {
        int next = Add();
        Connect(from, node, next);
        return next;
    }

    /// <summary>A state: it reads a code unit, or leads to others freely.</summary>
    internal sealed record State
    {
        /// <summary>What it reads; null if it reads nothing.</summary>
        public CharacterSet? Characters { get; init; }

        /// <summary>Where reading leads.</summary>
        public int Target { get; init; }

        /// <summary>States that are reached without reading.</summary>
        public List<int> Free { get; } = [];
    }
}
