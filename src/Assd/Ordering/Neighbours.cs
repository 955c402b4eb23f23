namespace AsArm.Assd.Ordering;

/// <summary>Which neighbours of a target in the text are known, or seen by a row. Beyond the ends nothing is missing.</summary>
[Flags]
public enum Neighbours
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>The token before.</summary>
    Left = 1,

    /// <summary>The token after.</summary>
    Right = 2,

    /// <summary>Both.</summary>
    Both = Left | Right,
}
