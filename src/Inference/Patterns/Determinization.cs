using System.Runtime.InteropServices;

namespace AsArm.Inference.Patterns;

/// <summary>The subset construction, bounded in states, in the size of its table, and in the number of states that it looks at.</summary>
internal sealed class Determinization
{
    private readonly Nfa _nfa;
    private readonly CharacterClasses _classes;
    private readonly Dictionary<CharacterSet, int[]> _parts;
    private readonly int[] _seen; // by state of the nondeterministic automaton: the last closure that it was in
    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<int[]> _subsets = [];
    private int _closures;
    private long _work;

    public Determinization(Nfa nfa, CharacterClasses classes, CharacterSet[] sets)
    {
        (_nfa, _classes) = (nfa, classes);
        _parts = sets.ToDictionary(set => set, classes.Of);
        _seen = new int[nfa.States.Count];
    }

    /// <summary>Builds the table [states, classes] and tells which states accept. States that lead nowhere are left out.</summary>
    /// <exception cref="PatternException">It would be too large.</exception>
    public (int[] Next, bool[] Accepts) Build()
    {
        var next = new List<int>();
        NumberOf(Closure([Nfa.Start]));
        for (int state = 0; state < _subsets.Count; state++)
        {
            var targets = new List<int>?[_classes.Count];
            foreach (int one in _subsets[state].Where(one => _nfa.States[one].Characters is not null))
            {
                int[] parts = _parts[_nfa.States[one].Characters!];
                Count(parts.Length);
                foreach (int part in parts)
                    (targets[part] ??= []).Add(_nfa.States[one].Target);
            }

            foreach (List<int>? target in targets)
                next.Add(target is null ? TextAutomaton.Dead : NumberOf(Closure(target)));
            Require(next.Count <= PatternLimits.DfaEntries);
        }

        bool[] accepts = [.. _subsets.Select(subset => subset.Contains(Nfa.Accepting))];
        return Trim([.. next], accepts);
    }

    private static void Require(bool condition)
    {
        if (!condition)
            throw new PatternException("is too complex: its deterministic automaton would be too large", 0);
    }

    private void Count(int states) => Require((_work += states) <= PatternLimits.Work);

    private int NumberOf(int[] subset)
    {
        var key = new string(MemoryMarshal.Cast<int, char>(subset));
        if (_numbers.TryGetValue(key, out int number))
            return number;
        Require(_subsets.Count < PatternLimits.DfaStates);
        _subsets.Add(subset);
        Count(subset.Length);
        return _numbers[key] = _subsets.Count - 1;
    }

    /// <summary>All states that some lead to freely, ascending: those that read, and the accepting one.</summary>
    private int[] Closure(List<int> states)
    {
        _closures++;
        var open = new Stack<int>(states);
        var closure = new List<int>();
        while (open.TryPop(out int state))
        {
            if (_seen[state] == _closures)
                continue;
            _seen[state] = _closures;
            Count(1 + _nfa.States[state].Free.Count);
            if (_nfa.States[state].Characters is not null || state == Nfa.Accepting)
                closure.Add(state);
            _nfa.States[state].Free.ForEach(open.Push);
        }

        closure.Sort();
        return [.. closure];
    }

    /// <summary>Leaves out states from which no accepting one can be reached.</summary>
    private (int[] Next, bool[] Accepts) Trim(int[] next, bool[] accepts)
    {
        int width = _classes.Count;
        bool[] lives = Living(next, accepts, width);
        int[] numbers = new int[accepts.Length];
        int count = 0;
        for (int state = 0; state < accepts.Length; state++)
            numbers[state] = lives[state] ? count++ : TextAutomaton.Dead;
        if (numbers[0] != 0)
            return ([], []);
        var trimmed = new int[count * width];
        for (int state = 0; state < accepts.Length; state++)
        {
            for (int part = 0; lives[state] && part < width; part++)
                trimmed[(numbers[state] * width) + part] = next[(state * width) + part] is int target and >= 0 ? numbers[target] : TextAutomaton.Dead;
        }

        return (trimmed, [.. accepts.Where((_, state) => lives[state])]);
    }

    private static bool[] Living(int[] next, bool[] accepts, int width)
    {
        var before = new List<int>[accepts.Length];
        for (int state = 0; state < before.Length; state++)
            before[state] = [];
        for (int state = 0; state < accepts.Length; state++)
        {
            foreach (int target in next.AsSpan(state * width, width).ToArray().Distinct().Where(target => target >= 0))
                before[target].Add(state);
        }

        bool[] lives = [.. accepts];
        var open = new Stack<int>(Enumerable.Range(0, accepts.Length).Where(state => accepts[state]));
        while (open.TryPop(out int state))
        {
            foreach (int source in before[state].Where(source => !lives[source]))
            {
                lives[source] = true;
                open.Push(source);
            }
        }

        return lives;
    }
}
