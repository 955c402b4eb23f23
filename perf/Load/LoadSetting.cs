namespace AsArm.Perf.Load;

/// <summary>What clients ask, and whom.</summary>
/// <param name="Server">The server.</param>
/// <param name="Expected">Requests with their answers.</param>
/// <param name="Numbers">Those requests that are asked.</param>
internal sealed record LoadSetting(ServerProcess Server, ExpectedAnswers Expected, IReadOnlyList<int> Numbers)
{
    /// <summary>The share of requests that their client gives up at a random moment.</summary>
    public double CancelledShare { get; init; }

    /// <summary>The share of requests that have to be refused.</summary>
    public double HostileShare { get; init; }

    /// <summary>Mixes answers up, as a control; null for the real thing.</summary>
    public AnswerSwap? Swap { get; init; }
}
