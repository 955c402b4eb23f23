namespace AsArm.Assd.Samplers;

/// <summary>Counts of one sequence so far.</summary>
/// <param name="Generated">Tokens committed.</param>
/// <param name="Nfe">Number of function evaluations: forward passes that the sequence took part in.</param>
/// <param name="Drafted">Draft tokens drawn by a speculative sampler.</param>
/// <param name="Accepted">Draft tokens accepted.</param>
/// <param name="ContentTokens">
/// Content positions that a model with a key/value cache processes in these passes, without the given tokens.
/// </param>
/// <param name="QueryTokens">Queries in these passes.</param>
/// <param name="LogProbability">Natural log of the joint probability of the generated tokens under the sampled distribution.</param>
public readonly record struct SamplingStatistics(
    int Generated, int Nfe, int Drafted, int Accepted, int ContentTokens, int QueryTokens, double LogProbability);
