using AsArm.Perf.Results;

namespace AsArm.Perf.Startup;

/// <summary>A program against the empty one that was published in the same way.</summary>
/// <param name="Program">What it is.</param>
/// <param name="Publish">How both were published.</param>
/// <param name="Milliseconds">Median, start of the process to the first line of output.</param>
/// <param name="EmptyMilliseconds">The same of the empty program.</param>
/// <param name="Ratio">Of the two, turn by turn.</param>
internal sealed record StartupRow(string Program, string Publish, double Milliseconds, double EmptyMilliseconds, MedianInterval Ratio);
