namespace AsArm.Inference.Infilling;

/// <summary>A request that has not been delivered: with the job that fills it, or refused as invalid.</summary>
/// <param name="Request">The request.</param>
/// <param name="Job">The job; null if the request was refused.</param>
/// <param name="Refusal">The reason for the refusal; null if there is a job.</param>
internal sealed record PendingRequest(InfillRequest Request, InfillJob? Job, Exception? Refusal)
{
    /// <summary>Whether there is an outcome.</summary>
    public bool IsDone => Job?.IsDone ?? true;

    /// <summary>The outcome; the request must be done.</summary>
    public InfillOutcome Outcome() =>
        (Refusal ?? Job!.Error) is Exception error ? new(Request, null, error) : new(Request, Job!.Result(), null);
}
