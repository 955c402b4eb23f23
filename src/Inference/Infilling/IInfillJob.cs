using AsArm.Inference.Scheduling;

namespace AsArm.Inference.Infilling;

/// <summary>A request that is being filled.</summary>
internal interface IInfillJob : ISequenceJob
{
    /// <summary>The result, once the job is done.</summary>
    InfillResult Result();
}
