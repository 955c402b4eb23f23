namespace AsArm.Perf.Lengths;

/// <summary>A gap cut into a text at borders of words.</summary>
/// <param name="Kind">word, phrase or sentence end.</param>
/// <param name="Before">The text before it, with the space at its end.</param>
/// <param name="Original">What was cut out.</param>
/// <param name="After">The text after it.</param>
internal sealed record TrueGap(string Kind, string Before, string Original, string After);
