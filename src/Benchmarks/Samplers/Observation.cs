using AsArm.Inference.Infilling;

namespace AsArm.Benchmarks.Samplers;

/// <summary>What one request, or one batch of requests, took. The first forward pass, which encodes the given text, is the same for all samplers.</summary>
/// <param name="Results">The filled texts.</param>
/// <param name="Milliseconds">From the text to the filled text.</param>
/// <param name="LaterTokens">Tokens committed after the first forward pass.</param>
/// <param name="LaterMilliseconds">Time of the steps after the first.</param>
/// <param name="LaterPasses">Content and query tokens of each step after the first, summed over the sequences.</param>
public sealed record Observation(
    IReadOnlyList<InfillResult> Results, double Milliseconds, int LaterTokens, double LaterMilliseconds, IReadOnlyList<(int Content, int Queries)> LaterPasses)
{
    /// <summary>Tokens committed.</summary>
    public int Tokens => Results.Sum(result => result.Statistics.Generated);

    /// <summary>Forward passes, one for each sequence in it (NFE).</summary>
    public int ForwardPasses => Results.Sum(result => result.Statistics.Nfe);

    /// <summary>Time of the steps after the first if passes cost something else.</summary>
    /// <param name="cost">Milliseconds of a pass by its content and query tokens.</param>
    public double LaterMillisecondsAt(Func<int, int, double> cost) => LaterPasses.Sum(pass => cost(pass.Content, pass.Queries));
}
