namespace AsArm.Perf.Startup;

/// <summary>Everything that `perf -- startup` measured.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Model">The model folder.</param>
/// <param name="Turns">How often each program ran.</param>
/// <param name="Rows">The programs.</param>
internal sealed record StartupResults(Machine Machine, string Model, int Turns, IReadOnlyList<StartupRow> Rows);
