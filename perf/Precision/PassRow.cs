namespace AsArm.Perf.Precision;

/// <summary>Forward passes of one shape and precision.</summary>
/// <param name="Precision">Of the weights.</param>
/// <param name="Content">Tokens encoded.</param>
/// <param name="Queries">Conditionals asked.</param>
/// <param name="Batch">Sequences of a pass.</param>
/// <param name="Milliseconds">The fastest.</param>
/// <param name="SpeedOverFp32">Of the fastest.</param>
/// <param name="MedianSpeedOverFp32">Of the medians.</param>
internal sealed record PassRow(string Precision, int Content, int Queries, int Batch, double Milliseconds, double SpeedOverFp32, double MedianSpeedOverFp32);
