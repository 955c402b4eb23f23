namespace AsArm.Inference.Text;

/// <summary>Kinds of characters that fillings of gaps may be asked to do without (<see cref="Infilling.InfillOptions.ExcludedCharacters" />).</summary>
[Flags]
public enum CharacterKinds
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Punctuation and symbols (the categories P and S of Unicode).</summary>
    Punctuation = 1,

    /// <summary>Digits and other numbers (category N).</summary>
    Digits = 2,

    /// <summary>Capital letters (categories Lu and Lt).</summary>
    Capitals = 4,
}
