namespace AsArm.Assd.Tests;

/// <summary>A task with a sampler whose coins can be enumerated, and the law it must have.</summary>
/// <param name="Model">The network.</param>
/// <param name="Joint">[V^targets].</param>
/// <param name="Create">A new sampler.</param>
internal sealed record EnumerationCase(DyadicModel Model, double[] Joint, Func<Sampler> Create);
