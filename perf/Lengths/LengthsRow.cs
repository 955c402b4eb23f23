namespace AsArm.Perf.Lengths;

/// <summary>A line of the results of `perf -- lengths`.</summary>
/// <param name="Gap">The gap.</param>
/// <param name="Length">Its number of tokens; null if it has too many, or a character that the vocabulary lacks. Nothing else is there then.</param>
/// <param name="Prior">log p(N) by length from 1, the default of the library.</param>
/// <param name="Joint">log p(g, S | P, N) by length from 1: g is the greedy filling.</param>
/// <param name="Conditional">log p(g | P, S, N) by length from 1.</param>
/// <param name="Texts">The greedy filling by length from 1.</param>
internal sealed record LengthsRow(TrueGap Gap, int? Length, double[]? Prior, double[]? Joint, double[]? Conditional, string[]? Texts);
