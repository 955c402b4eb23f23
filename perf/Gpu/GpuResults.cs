using AsArm.Perf.Results;

namespace AsArm.Perf.Gpu;

/// <summary>Everything that `perf -- gpu` measured.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Device">On which device.</param>
/// <param name="Passes">Forward passes by shape.</param>
/// <param name="Rounds">Rounds of a sampler, from logits to logits.</param>
/// <param name="Laws">Samples against an enumerated joint distribution; null where none was asked for.</param>
/// <param name="Texts">Texts of the same seeds on the device and on the CPU; null for folders without a tokenizer.</param>
internal sealed record GpuResults(
    Machine Machine, string Device, IReadOnlyList<PassRow> Passes, IReadOnlyList<RoundRow> Rounds, IReadOnlyList<LawRow> Laws, IReadOnlyList<TextsRow> Texts);

/// <summary>Forward passes of one shape.</summary>
/// <param name="Model">The model folder.</param>
/// <param name="CudaGraphs">Whether they are captured and replayed.</param>
/// <param name="Batch">Sequences.</param>
/// <param name="Content">Content positions of a sequence.</param>
/// <param name="Queries">Query positions of a sequence.</param>
/// <param name="Positions">Length of a sequence.</param>
/// <param name="GraphMilliseconds">Time in ONNX Runtime.</param>
/// <param name="PassMilliseconds">Time of the pass, with copies to and from the device.</param>
internal sealed record PassRow(
    string Model, bool CudaGraphs, int Batch, int Content, int Queries, int Positions, MedianInterval GraphMilliseconds, MedianInterval PassMilliseconds);

/// <summary>Rounds of `assd` with 5 draft tokens: a forward pass, and the distributions and decisions from its logits.</summary>
/// <param name="Model">The model folder.</param>
/// <param name="Batch">Sequences.</param>
/// <param name="Positions">Length of a sequence.</param>
/// <param name="GraphMilliseconds">Time in ONNX Runtime.</param>
/// <param name="RoundMilliseconds">Time of the round.</param>
internal sealed record RoundRow(string Model, int Batch, int Positions, MedianInterval GraphMilliseconds, MedianInterval RoundMilliseconds);

/// <summary>Samples of one sampler on the device against the joint distribution that the CPU enumerates.</summary>
/// <param name="Sampler">The sampler.</param>
/// <param name="Samples">Number of samples.</param>
/// <param name="PValue">Of Pearson's chi-square test.</param>
/// <param name="IsExact">Whether the sampler claims the distribution; one that does not is the control, and must fail the test.</param>
internal sealed record LawRow(string Sampler, int Samples, double PValue, bool IsExact)
{
    /// <summary>The limit of <see cref="PValue" />.</summary>
    public const double Limit = 1e-4;

    public bool Passes => PValue > Limit == IsExact;
}

/// <summary>Texts of the same seeds on the device and on the CPU, in float32.</summary>
/// <param name="Model">The model folder.</param>
/// <param name="Texts">Number of texts.</param>
/// <param name="Equal">Number of equal ones.</param>
/// <param name="Differences">What differs, with the difference of the log-probabilities.</param>
/// <param name="DeviceSeconds">Time on the device.</param>
/// <param name="CpuSeconds">Time on the CPU.</param>
internal sealed record TextsRow(string Model, int Texts, int Equal, IReadOnlyList<string> Differences, double DeviceSeconds, double CpuSeconds);
