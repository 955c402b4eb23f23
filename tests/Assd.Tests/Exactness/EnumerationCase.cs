using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>A task with a sampler whose random numbers can be enumerated, and the distribution it must have.</summary>
/// <param name="Model">The network.</param>
/// <param name="Joint">[V^targets].</param>
/// <param name="Create">A new sampler.</param>
internal sealed record EnumerationCase(DyadicModel Model, double[] Joint, Func<Sampler> Create);
