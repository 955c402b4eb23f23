namespace AsArm.Perf.Samplers;

/// <summary>Forward passes of one shape.</summary>
/// <param name="Content">Tokens encoded.</param>
/// <param name="Queries">Conditionals asked.</param>
/// <param name="Milliseconds">Of the fastest pass.</param>
/// <param name="Fitted">Milliseconds by the fit.</param>
internal sealed record BaseSizePoint(int Content, int Queries, double Milliseconds, double Fitted);
