namespace AsArm.Assd.Ordering;

/// <summary>
/// A conditional that the network can evaluate: p(x_sigma(Rank) | x_sigma(&lt;Horizon)). Sequential decoding queries (n, n), the draft pass
/// of ASSD (n..n+k-1, n), oracle and joint density (i, i).
/// </summary>
/// <param name="Rank">The target, a rank of the order.</param>
/// <param name="Horizon">The target sees the tokens of all ranks below the horizon; at most the target's own rank.</param>
public readonly record struct Conditional(int Rank, int Horizon);
