namespace AsArm.Assd.Samplers;

/// <summary>What a sampler did for one sequence so far.</summary>
/// <param name="Generated">Tokens decided.</param>
/// <param name="Nfe">Network function evaluations: forward passes that this sequence took part in.</param>
/// <param name="Drafted">Draft tokens drawn by a speculative sampler.</param>
/// <param name="Accepted">Draft tokens that were kept.</param>
/// <param name="ContentTokens">Tokens that a model with a cache encodes in these calls, the given ones aside.</param>
/// <param name="QueryTokens">Conditionals asked in these calls.</param>
/// <param name="LogProbability">Natural log of the generated tokens' joint probability under the sampled distribution.</param>
public readonly record struct SamplingStatistics(
    int Generated, int Nfe, int Drafted, int Accepted, int ContentTokens, int QueryTokens, double LogProbability);
