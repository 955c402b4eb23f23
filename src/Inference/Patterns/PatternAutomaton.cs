namespace AsArm.Inference.Patterns;

/// <summary>The texts that an expression matches as a whole, as System.Text.RegularExpressions does. Thread-safe.</summary>
internal sealed class PatternAutomaton : TextAutomaton
{
    private readonly CharacterClasses _classes;
    private readonly int[] _next; // [states, classes]
    private readonly bool[] _accepts;

    private PatternAutomaton(CharacterClasses classes, int[] next, bool[] accepts)
    {
        (_classes, _next, _accepts) = (classes, next, accepts);
        Start = accepts.Length == 0 ? Dead : 0;
    }

    /// <inheritdoc />
    public override int Start { get; }

    /// <summary>Number of states.</summary>
    public int StateCount => _accepts.Length;

    /// <summary>Compiles an expression.</summary>
    /// <exception cref="PatternException">It is malformed, uses what is not supported, or is too large.</exception>
    public static PatternAutomaton Compile(string expression)
    {
        Nfa nfa = Nfa.Of(PatternParser.Parse(expression));
        CharacterSet[] sets = [.. nfa.States.Select(state => state.Characters).OfType<CharacterSet>().Distinct()];
        var classes = new CharacterClasses(sets);
        (int[] next, bool[] accepts) = new Determinization(nfa, classes, sets).Build();
        return new PatternAutomaton(classes, next, accepts);
    }

    /// <inheritdoc />
    public override int Next(int state, char unit) => _next[(state * _classes.Count) + _classes.Of(unit)];

    /// <inheritdoc />
    public override bool Accepts(int state) => _accepts[state];
}
