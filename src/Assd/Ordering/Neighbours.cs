namespace AsArm.Assd.Ordering;

/// <summary>
/// The neighbours of a position in the text that are known, or that a conditional sees. Those beyond the ends of the text count as known.
/// </summary>
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
