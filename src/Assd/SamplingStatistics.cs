namespace AsArm.Assd;

/// <summary>What a sampler did for one sequence so far.</summary>
/// <param name="Generated">Tokens decided.</param>
/// <param name="Nfe">Network function evaluations: model calls that this sequence took part in.</param>
/// <param name="Drafted">Proposals drawn by a speculative sampler.</param>
/// <param name="Accepted">Proposals that were kept.</param>
/// <param name="ContentRows">Tokens that a model with a cache encodes in these calls, the given ones aside.</param>
/// <param name="QueryRows">Conditionals asked in these calls.</param>
/// <param name="LogProbability">Natural log of the generated tokens' joint probability under the sampled law.</param>
public readonly record struct SamplingStatistics(
    int Generated, int Nfe, int Drafted, int Accepted, int ContentRows, int QueryRows, double LogProbability);
