using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>A task with a sampler whose random numbers are enumerated, and the distribution that it must have.</summary>
/// <param name="Model">The network.</param>
/// <param name="Joint">[V^targets] the exact joint distribution.</param>
/// <param name="Create">Creates the sampler.</param>
internal sealed record EnumerationCase(DyadicModel Model, double[] Joint, Func<Sampler> Create);
