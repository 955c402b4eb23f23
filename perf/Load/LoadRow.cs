using AsArm.Benchmarks.Statistics;

namespace AsArm.Perf.Load;

/// <summary>A number of clients, over all rounds.</summary>
/// <param name="Clients">Their number.</param>
/// <param name="Requests">Answered requests a second against one client.</param>
/// <param name="Tokens">Filled tokens a second against one client.</param>
/// <param name="Median">Of the milliseconds from request to the end of its answer.</param>
/// <param name="Percentile95">The same.</param>
/// <param name="Percentile99">The same.</param>
/// <param name="Answered">Right answers.</param>
/// <param name="Cancelled">Requests that the client gave up before the answer.</param>
/// <param name="HostileRefused">Hostile requests that were refused with 4xx.</param>
/// <param name="HostileClosed">Hostile requests whose connection was closed.</param>
/// <param name="Wrong">Answers that are not the one of the request alone.</param>
/// <param name="OfAnotherRequest">Answers to another request.</param>
/// <param name="OtherFaults">500 and other statuses that must not be, hostile requests that were accepted, failed connections.</param>
internal sealed record LoadRow(
    int Clients, Estimate Requests, Estimate Tokens, double Median, double Percentile95, double Percentile99,
    int Answered, int Cancelled, int HostileRefused, int HostileClosed, int Wrong, int OfAnotherRequest, int OtherFaults)
{
    /// <summary>Puts rounds together.</summary>
    /// <param name="clients">Their number.</param>
    /// <param name="slots">A slot for each round.</param>
    /// <param name="one">One client in the same rounds.</param>
    public static LoadRow Of(int clients, IReadOnlyList<LoadSlot> slots, IReadOnlyList<LoadSlot> one)
    {
        var tally = new LoadTally();
        foreach (LoadSlot slot in slots)
            tally.Add(slot.Tally);
        double[] latencies = [.. slots.SelectMany(slot => slot.Latencies).Order()];
        return new(
            clients, Ratio(slot => slot.Requests), Ratio(slot => slot.Tokens), At(0.5), At(0.95), At(0.99),
            tally.Right, tally.Cancelled, tally.HostileRefused, tally.HostileClosed, tally.Wrong, tally.OfAnotherRequest, tally.OtherFaults + tally.TryAgain);

        Estimate Ratio(Func<LoadSlot, Rate> rate) => Estimate.OfRatio([.. slots.Zip(one, (own, other) => (rate(own), rate(other)))]) ?? new(0, null);

        double At(double share) => latencies.Length == 0 ? 0 : latencies[(int)Math.Min(latencies.Length - 1, share * latencies.Length)];
    }
}
