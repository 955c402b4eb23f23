namespace AsArm.Inference.Patterns;

/// <summary>
/// A deterministic automaton over UTF-16 code units: the set of texts that a filling may be. States are small numbers, and no text of the set
/// begins where one is <see cref="Dead" />. Not thread-safe.
/// </summary>
internal abstract class TextAutomaton
{
    /// <summary>No text of the set begins so.</summary>
    public const int Dead = -1;

    /// <summary>The time that a step takes, in steps of the fastest kind, for limits.</summary>
    public virtual int StepCost => 1;

    /// <summary>The state before the first code unit; <see cref="Dead" /> if the set is empty.</summary>
    public abstract int Start { get; }

    /// <summary>The state after another code unit.</summary>
    /// <param name="state">A state that is not <see cref="Dead" />.</param>
    /// <param name="unit">The code unit.</param>
    public abstract int Next(int state, char unit);

    /// <summary>Whether the text that leads to a state is in the set.</summary>
    /// <param name="state">A state that is not <see cref="Dead" />.</param>
    public abstract bool Accepts(int state);

    /// <summary>Whether a text is in the set.</summary>
    public bool Matches(string text)
    {
        int state = Start;
        for (int i = 0; i < text.Length && state != Dead; i++)
            state = Next(state, text[i]);
        return state != Dead && Accepts(state);
    }
}
