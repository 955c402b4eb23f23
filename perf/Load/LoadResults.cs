using AsArm.Benchmarks.Statistics;
using AsArm.Perf.Results;

namespace AsArm.Perf.Load;

/// <summary>Everything that `perf -- load` measured.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Model">The name of the model.</param>
/// <param name="Length">Tokens of a text at most.</param>
/// <param name="Requests">Number of different requests.</param>
/// <param name="Seconds">Of each number of clients.</param>
/// <param name="Rounds">How often all numbers of clients took turns.</param>
/// <param name="Rows">The numbers of clients.</param>
/// <param name="SixteenAgainstOne">16 clients against one, tokens a second, texts of one length.</param>
/// <param name="LibrarySixteenAgainstOne">The bound: 16 sequences in a forward pass of the library against one.</param>
/// <param name="SixteenAgainstLibrary">16 clients against 16 sequences of the library.</param>
/// <param name="OneAgainstLibrary">One client against one sequence of the library.</param>
/// <param name="Memory">Of the server.</param>
/// <param name="Connections">Many connections at the same time.</param>
/// <param name="Figures">The last lines.</param>
internal sealed record LoadResults(
    Machine Machine, string Model, int Length, int Requests, double Seconds, int Rounds, IReadOnlyList<LoadRow> Rows,
    Estimate SixteenAgainstOne, Estimate LibrarySixteenAgainstOne, Estimate SixteenAgainstLibrary, Estimate OneAgainstLibrary,
    MemoryResults Memory, ConnectionFlood Connections, IReadOnlyList<Figure> Figures);
