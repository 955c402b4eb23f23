using AsArm.Benchmarks.Statistics;
using AsArm.Perf.Results;

namespace AsArm.Perf.Concurrency;

/// <summary>What `perf -- concurrency` has measured.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Model">Of which model.</param>
/// <param name="Requests">Number of requests in each run.</param>
/// <param name="Rounds">How often all runs took turns.</param>
/// <param name="Rows">Concurrent callers against one batch.</param>
/// <param name="Alone">Speed of one caller of InfillAsync in latency mode against the sampling loop on the caller's own thread.</param>
/// <param name="Figures">What the issue asks for.</param>
internal sealed record ConcurrencyResults(
    Machine Machine, string Model, int Requests, int Rounds, IReadOnlyList<ConcurrencyRow> Rows, Estimate Alone, IReadOnlyList<Figure> Figures);

/// <summary>Some callers, each of which asks again when it has got its answer.</summary>
/// <param name="Mode">Their draft mode.</param>
/// <param name="Callers">Their number.</param>
/// <param name="Throughput">Requests per second against one InfillMany of the same requests.</param>
/// <param name="Median">Median of the time from question to answer, in ms.</param>
/// <param name="Percentile95">95th percentile, in ms.</param>
/// <param name="Percentile99">99th percentile, in ms.</param>
/// <param name="Overtaken">Requests that began after one that was submitted later.</param>
internal sealed record ConcurrencyRow(string Mode, int Callers, Estimate Throughput, double Median, double Percentile95, double Percentile99, int Overtaken);
