using System.Runtime.ExceptionServices;

namespace AsArm.Inference.Infilling;

/// <summary>A request of a batch: with the job that fills it, or refused as invalid.</summary>
/// <param name="Request">The request.</param>
/// <param name="Job">The job; null if the request was refused.</param>
/// <param name="Refusal">The reason for the refusal; null if there is a job.</param>
internal sealed record PreparedRequest(InfillRequest Request, IInfillJob? Job, Exception? Refusal)
{
    /// <summary>Throws the reason for the refusal, if there is one.</summary>
    public void ThrowIfRefused()
    {
        if (Refusal is not null)
            ExceptionDispatchInfo.Throw(Refusal);
    }
}
