namespace AsArm.Assd.Ordering;

/// <summary>
/// A query to the network: p(x_sigma(Rank) | x_sigma(&lt;Horizon)). Sequential decoding asks (n, n), a draft (n..n+k-1, n),
/// the oracle and the joint density (i, i).
/// </summary>
/// <param name="Rank">The target, a rank of the order.</param>
/// <param name="Horizon">The target sees the tokens of all ranks below; at most its own rank.</param>
public readonly record struct Conditional(int Rank, int Horizon);
