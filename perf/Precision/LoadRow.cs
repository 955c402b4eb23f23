namespace AsArm.Perf.Precision;

/// <summary>Loading a model and its first forward pass.</summary>
/// <param name="Precision">Of its weights.</param>
/// <param name="Block">Weights that share a scale.</param>
/// <param name="WeightMegabytes">The file.</param>
/// <param name="LoadMilliseconds">To an open session.</param>
/// <param name="PeakMegabytes">Of the process after the pass.</param>
internal sealed record LoadRow(string Precision, int? Block, double WeightMegabytes, double LoadMilliseconds, double PeakMegabytes);
