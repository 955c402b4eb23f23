namespace AsArm.Inference.Infilling;

/// <summary>A request in the queue: with the job that fills it, or refused.</summary>
/// <param name="Request">The request.</param>
/// <param name="Job">Null where the request was refused.</param>
/// <param name="Refusal">Why it was refused.</param>
internal sealed record PendingRequest(InfillRequest Request, InfillJob? Job, Exception? Refusal)
{
    /// <summary>There is an outcome.</summary>
    public bool IsDone => Job?.IsDone ?? true;

    /// <summary>The outcome; it must be done.</summary>
    public InfillOutcome Outcome() =>
        (Refusal ?? Job!.Error) is Exception error ? new(Request, null, error) : new(Request, Job!.Result(), null);
}
