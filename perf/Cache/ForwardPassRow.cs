namespace AsArm.Perf.Cache;

/// <summary>Forward passes of one shape through both graphs.</summary>
/// <param name="Content">Tokens encoded.</param>
/// <param name="Queries">Conditionals asked.</param>
/// <param name="Positions">Tokens of a sequence.</param>
/// <param name="Batch">Sequences of a forward pass.</param>
/// <param name="StatelessMilliseconds">The fastest without the cache.</param>
/// <param name="CachedMilliseconds">The fastest with it.</param>
/// <param name="StatelessOverCached">Of these two.</param>
/// <param name="MedianStatelessOverCached">Of the medians.</param>
internal sealed record ForwardPassRow(
    int Content, int Queries, int Positions, int Batch, double StatelessMilliseconds, double CachedMilliseconds, double StatelessOverCached, double MedianStatelessOverCached);
