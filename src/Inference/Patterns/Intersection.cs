namespace AsArm.Inference.Patterns;

/// <summary>Texts that are in both of two sets. States are numbered as they are met; some may lead nowhere without being <see cref="TextAutomaton.Dead" />.</summary>
internal sealed class Intersection : TextAutomaton
{
    private readonly TextAutomaton _one, _other;
    private readonly Dictionary<long, int> _numbers = [];
    private readonly List<(int One, int Other)> _states = [];

    /// <param name="one">A set.</param>
    /// <param name="other">Another set.</param>
    public Intersection(TextAutomaton one, TextAutomaton other)
    {
        (_one, _other) = (one, other);
        Start = NumberOf(one.Start, other.Start);
    }

    /// <inheritdoc />
    public override int StepCost => 4 + _one.StepCost + _other.StepCost;

    /// <inheritdoc />
    public override int Start { get; }

    /// <inheritdoc />
    public override int Next(int state, char unit)
    {
        (int one, int other) = _states[state];
        int next = _one.Next(one, unit);
        return next == Dead ? Dead : NumberOf(next, _other.Next(other, unit));
    }

    /// <inheritdoc />
    public override bool Accepts(int state) => _one.Accepts(_states[state].One) && _other.Accepts(_states[state].Other);

    private int NumberOf(int one, int other)
    {
        if (one == Dead || other == Dead)
            return Dead;
        long key = ((long)one << 32) | (uint)other;
        if (_numbers.TryGetValue(key, out int number))
            return number;
        if (_states.Count == PatternLimits.ProductStates)
            throw new PatternException("is too complex together with the other conditions on the gap", 0);
        _states.Add((one, other));
        return _numbers[key] = _states.Count - 1;
    }
}
