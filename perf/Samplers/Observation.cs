namespace AsArm.Perf.Samplers;

/// <summary>What one request, or one batch of requests, took. The first call, which encodes the given text, is the same for all samplers.</summary>
/// <param name="Tokens">Tokens decided.</param>
/// <param name="Calls">Forward passes, one for each sequence in it (NFE).</param>
/// <param name="Milliseconds">From the text to the filled text.</param>
/// <param name="LaterTokens">Tokens decided after the first call.</param>
/// <param name="LaterMilliseconds">Time of the steps after the first.</param>
/// <param name="LaterPasses">Content and query tokens of each step after the first, summed over the sequences.</param>
internal sealed record Observation(
    int Tokens, int Calls, double Milliseconds, int LaterTokens, double LaterMilliseconds, IReadOnlyList<(int Content, int Queries)> LaterPasses);
